import { randomUUID } from 'node:crypto';
import type { Key } from '@countersign/core';
import { MessageObject } from '../https/index.ts';
import { isGuid, signJws, tokenKeys, tokenRejected, verifyJws } from '../tokens/index.ts';
import { unknownDevice, type DeviceRegistry } from './device-registry.ts';
import { requestLifetimeMs } from './protocol.ts';

/** What a device asks for a user with: the user's second factor, signed by the device. */
export interface DeviceRequestFields {
  readonly deviceId: string;
  readonly upn: string;
  /** What the user entered or brought, UTF-8. Secret. */
  readonly answer: Uint8Array;
  /** From the service. */
  readonly nonce: string;
}

/**
 * Makes the `request` parameter: a JWT that the device's key signs, as Windows asks for primary refresh tokens (MS-OAPXBC
 * 3.1.5.1.2), with the answer to the second factor where that has a password.
 * @param audience the service's issuer name
 */
export async function signDeviceRequest(
  key: Key,
  { deviceId, upn, answer, nonce }: DeviceRequestFields,
  audience: string,
  now: Date,
): Promise<string> {
  return signJws(key, {
    iss: deviceId,
    aud: audience,
    jti: randomUUID(),
    iat: Math.floor(now.getTime() / 1000),
    exp: Math.floor((now.getTime() + requestLifetimeMs) / 1000),
    request_nonce: nonce,
    username: upn,
    second_factor: Buffer.from(answer).toString('base64'),
  });
}

/**
 * Verifies a request with the key that the device was joined with.
 * @throws CountersignError `TOKEN_REJECTED`
 */
export async function verifyDeviceRequest(
  request: string,
  devices: DeviceRegistry,
  audience: string,
  now: Date,
): Promise<DeviceRequestFields> {
  const deviceId = claimedDevice(request);
  const device = await devices.find(deviceId);
  if (device === undefined) throw unknownDevice(deviceId);
  const claims = await verifyJws(request, await tokenKeys([device.publicKey]), {
    what: "device's request",
    issuer: device.deviceId,
    audience,
    now,
    refuse: tokenRejected,
  });
  return {
    deviceId: device.deviceId,
    upn: claims.string('username'),
    answer: claims.base64('second_factor'),
    nonce: claims.string('request_nonce'),
  };
}

/** Whose key to verify with; nothing else of the request counts before that. */
function claimedDevice(request: string): string {
  const payload = Buffer.from(request.split('.')[1] ?? '', 'base64url');
  const deviceId = MessageObject.parse(payload, "device's request", tokenRejected).string('iss');
  if (isGuid(deviceId)) return deviceId.toLowerCase();
  throw tokenRejected("the issuer of the device's request is no GUID");
}
