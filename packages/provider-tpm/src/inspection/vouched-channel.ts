import { commandName } from '../command/command-name.ts';
import type { CommandChannel } from '../command/run-command.ts';
import type { SessionPool } from '../session/index.ts';

/**
 * Runs commands that need neither handles nor authorization in a session, so that the TPM vouches for what it answers
 * (TPM 2.0 part 1, 19.6.1: audit sessions). What capabilities say is otherwise anybody's word on the bus.
 */
export function vouchedChannel(pool: SessionPool): CommandChannel {
  return {
    exchange: async (command) => {
      const code = Buffer.from(command.buffer, command.byteOffset, command.length).readUInt32BE(6);
      const layout = {
        name: commandName(code),
        code,
        handles: 0,
        authorized: 0,
        sizedRequest: false,
        sizedResponse: false,
        responseHandle: false,
      };
      const { parameters } = await pool.execute(
        { layout, handles: [], parameters: command.subarray(headerLength) },
        [],
      );
      return withoutSessions(parameters);
    },
  };
}

const headerLength = 10;

/** A response of success, as it would have come without the session. */
function withoutSessions(parameters: Uint8Array): Uint8Array {
  const header = Buffer.from('80010000000000000000', 'hex');
  header.writeUInt32BE(headerLength + parameters.length, 2);
  return Buffer.concat([header, parameters]);
}
