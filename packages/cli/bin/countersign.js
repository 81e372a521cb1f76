#!/usr/bin/env node
// Plain JavaScript that every Node can parse, so that one too old gets a sentence instead of a stack trace.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 14)) {
  process.stderr.write(
    `countersign: this is Node ${process.versions.node}; Node 22.14 or newer is needed\n` +
      'hint: in a clone run it as "npx countersign", which uses the Node that the project brings\n',
  );
  process.exitCode = 2;
} else {
  await import('../dist/main.js');
}
