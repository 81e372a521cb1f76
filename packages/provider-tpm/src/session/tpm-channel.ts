/** The way to a TPM: one whole command goes in, one whole response comes out (TPM 2.0 part 1, 18). */
export interface TpmChannel {
  exchange(command: Uint8Array): Promise<Uint8Array>;
}
