export {
  createFileDirectory,
  openFileDirectory,
  type FileDirectory,
  type FileDirectoryOptions,
} from './directory/file-directory.ts';
export { requireWellFormed, type NewDirectoryUser } from './directory/user-rules.ts';
