// @peculiar/x509 2 wants the metadata of its decorators' library before it is loaded.
// oxlint-disable-next-line import/no-unassigned-import -- it is loaded for its effect
import 'reflect-metadata';

export * from '@peculiar/x509';
