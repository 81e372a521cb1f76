import type { Entity } from '../entity.ts';
import type { Authorization } from '../session-pool.ts';

/** What a command uses, and what authorizes it to. */
export interface AuthorizedEntity extends Entity {
  readonly authorization: Authorization;
}
