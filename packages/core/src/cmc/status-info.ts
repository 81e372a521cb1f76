import { DerReader } from '../asn1/der-reader.ts';
import { element, integer, octetString, sequence, utf8String } from '../asn1/der-writer.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { oids } from '../object-identifiers.ts';
import { encodeBodyPartId, readBodyPartId, type Control } from './control.ts';

/** What became of a request, as the CMC Status Info controls say it (RFC 5272 6.1). */
export interface CmcStatusInfo {
  readonly status: CmcStatus;
  /** The body parts of the request that the status is of. */
  readonly bodyParts: readonly number[];
  /** For people. */
  readonly statusString?: string | undefined;
  /** Only with `failed`. */
  readonly failInfo?: CmcFailInfo | undefined;
  /** Only with `pending` and `partial`. */
  readonly pendInfo?: PendInfo | undefined;
}

export interface PendInfo {
  readonly pendToken: Uint8Array;
  /** When to ask again (RFC 5272), when the CA took the request (AD CS). Whole seconds. */
  readonly pendTime: Date;
}

/** RFC 5272 6.1.3. */
export const cmcStatusCodes = {
  success: 0,
  failed: 2,
  pending: 3,
  noSupport: 4,
  confirmRequired: 5,
  popRequired: 6,
  partial: 7,
} as const;

export type CmcStatus = keyof typeof cmcStatusCodes;

/** RFC 5272 6.1.4; the codes are the places in the list. */
export const cmcFailInfos = [
  'badAlg',
  'badMessageCheck',
  'badRequest',
  'badTime',
  'badCertId',
  'unsupportedExt',
  'mustArchiveKeys',
  'badIdentity',
  'popRequired',
  'popFailed',
  'noKeyReuse',
  'internalCAError',
  'tryLater',
  'authDataFail',
] as const;

export type CmcFailInfo = (typeof cmcFailInfos)[number];

/** Value of an Extended CMC Status Info control (RFC 5272 6.1.1). */
export function encodeStatusInfoV2(info: CmcStatusInfo): Uint8Array {
  const { failInfo } = info;
  return failInfo === undefined
    ? encodeStatusInfo(info)
    : sequence(...commonFields(info), integer(cmcFailInfos.indexOf(failInfo)));
}

/** Value of a CMC Status Info control (RFC 5272 6.1.2), without failInfo: MS-WCCE 3.2.1.4.2.1.4.8.2 forbids it. */
export function encodeStatusInfo(info: CmcStatusInfo): Uint8Array {
  const { pendInfo } = info;
  if (pendInfo === undefined) return sequence(...commonFields(info));
  const { pendToken, pendTime } = pendInfo;
  const time = `${pendTime.toISOString().replace(/\.\d+Z$|[-:T]/g, '')}Z`;
  const encodedTime = element(tag.generalizedTime, Buffer.from(time, 'latin1'));
  return sequence(...commonFields(info), sequence(octetString(pendToken), encodedTime));
}

/** Reads a control of either kind; of another kind, undefined. @throws CountersignError `DER_MALFORMED` */
export function readStatusInfo({ type, values }: Control): CmcStatusInfo | undefined {
  const [value] = values;
  if (value === undefined || (type !== oids.cmcStatusInfo && type !== oids.cmcStatusInfoV2)) return undefined;
  const reader = DerReader.sequence(value, 'CMC status info');
  const code = reader.smallInteger();
  const status = statuses.find((name) => cmcStatusCodes[name] === code);
  if (status === undefined) throw reader.malformed(`${code} is no status`);
  const bodyList = reader.sequence();
  const bodyParts = [readBodyPartId(bodyList)];
  while (!bodyList.done) bodyParts.push(readBodyPartId(bodyList));
  const statusString = reader.at(tag.utf8String) ? reader.utf8String() : undefined;
  const otherInfo = reader.done ? {} : readOtherInfo(reader);
  reader.end();
  if (otherInfo.failInfo !== undefined && status !== 'failed') {
    throw reader.malformed(`the status is ${status}, and yet there is a reason for failure`);
  }
  if (otherInfo.pendInfo !== undefined && status !== 'pending' && status !== 'partial') {
    throw reader.malformed(`the status is ${status}, and yet something is pending`);
  }
  return { status, bodyParts, statusString, ...otherInfo };
}

const statuses: readonly CmcStatus[] = [
  'success',
  'failed',
  'pending',
  'noSupport',
  'confirmRequired',
  'popRequired',
  'partial',
];

function commonFields({ status, bodyParts, statusString }: CmcStatusInfo): Uint8Array[] {
  const fields = [integer(cmcStatusCodes[status]), sequence(...bodyParts.map(encodeBodyPartId))];
  return statusString === undefined ? fields : [...fields, utf8String(statusString)];
}

function readOtherInfo(reader: DerReader): Pick<CmcStatusInfo, 'failInfo' | 'pendInfo'> {
  if (reader.at(tag.integer)) {
    return { failInfo: cmcFailInfos[reader.smallInteger()] ?? unknownFailure };
  }
  // RFC 5272 leaves extendedFailInfo untagged, RFC 6402 gives it [1].
  if (reader.at(contextConstructed(1)) || reader.fork().sequence().at(tag.objectIdentifier)) {
    reader.any();
    return { failInfo: unknownFailure };
  }
  const info = reader.sequence();
  const pendToken = info.octetString();
  if (!info.at(tag.generalizedTime)) throw info.malformed('pendTime is not a GeneralizedTime');
  const pendTime = info.time();
  info.end();
  return { pendInfo: { pendToken, pendTime } };
}

/** RFC 5272 6.1.1: what a reason that is not known may be taken for. */
const unknownFailure: CmcFailInfo = 'internalCAError';
