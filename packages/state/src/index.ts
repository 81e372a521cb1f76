export { defaultStateDirectory, ensurePrivateDirectory } from './private-directory.ts';
export {
  createFileExclusive,
  removeFileDurably,
  syncDirectory,
  writeFileAtomic,
  type WriteFileOptions,
} from './atomic-file.ts';
export { readFileBytes, readFileIfExists, type ReadFileOptions } from './read-file.ts';
export { FileAttestationStore } from './file-attestation-store.ts';
export { FileKeyRecords } from './file-key-records.ts';
export { KeyDirectory, keyChangedMeanwhile, keyGone } from './key-directory.ts';
export { removeLeftovers } from './leftovers.ts';
export { withLock, type LockOptions } from './lock.ts';
export { JsonObject, parseJsonDocument, type IntegerBounds } from './json-document.ts';
