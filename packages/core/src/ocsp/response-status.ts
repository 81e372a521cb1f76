/** OCSPResponseStatus (RFC 6960 4.2.1); 4 is not used. */
export const ocspResponseStatusCodes = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const;

export type OcspResponseStatus = keyof typeof ocspResponseStatusCodes;

/** The statuses with which a responder declines to answer. Such responses are not signed. */
export type OcspErrorStatus = Exclude<OcspResponseStatus, 'successful'>;

const statuses = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  'sigRequired',
  'unauthorized',
] as const satisfies readonly OcspResponseStatus[];

export function ocspStatusOf(code: number): OcspResponseStatus | undefined {
  return statuses.find((status) => ocspResponseStatusCodes[status] === code);
}
