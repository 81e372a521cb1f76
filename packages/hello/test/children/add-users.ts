import { writeSync } from 'node:fs';
import { openFileDirectory } from '@countersign/hello';
import { newPublicKey, person } from '../people.ts';

/** Adds users with a key each, from one number up, and says which are done. */
const [path = '', from = '0', count = '0'] = process.argv.slice(2);
const directory = await openFileDirectory(path);
for (let number = Number(from); number < Number(from) + Number(count); number++) {
  const user = person(number);
  await directory.addUser(user);
  await directory.registerKey(user.upn, newPublicKey());
  writeSync(1, `${user.upn}\n`);
}
