import { createCertificatesOnly, parseCertificatesOnly } from '@countersign/core';
import { expect, onTestFinished, test } from 'vitest';
import { countersignForAlice, createEnrollment } from '../enrollment/enrollment-fixture.ts';
import { refusal } from '../enrollment/refusal.ts';
import { hasOpenssl, openssl, OpensslFiles } from './openssl.ts';

const enrollment = await createEnrollment();
const certificates = [enrollment.ca.certificate, enrollment.agentCertificate];
const pem = certificates
  .map(
    ({ der }) =>
      `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replace(/.{64}/gu, '$&\n')}\n-----END CERTIFICATE-----\n`,
  )
  .join('');

function serialNumbers(found: readonly { readonly serialNumber: string }[]): string[] {
  return found.map(({ serialNumber }) => serialNumber).toSorted();
}

test('certificates come back, in whatever order', () => {
  const message = createCertificatesOnly(certificates);
  expect(serialNumbers(parseCertificatesOnly(message))).toEqual(serialNumbers(certificates));
  expect(createCertificatesOnly(certificates.toReversed())).toEqual(message);
});

test.skipIf(!hasOpenssl)('OpenSSL reads the message', () => {
  const printed = openssl(
    ['pkcs7', '-inform', 'DER', '-print_certs'],
    createCertificatesOnly(certificates),
  ).toString();
  expect(printed.match(/BEGIN CERTIFICATE/gu)).toHaveLength(2);
  for (const { der } of certificates) {
    expect(printed.replaceAll('\n', '')).toContain(Buffer.from(der).toString('base64'));
  }
});

test.skipIf(!hasOpenssl)('the message that OpenSSL writes is read', () => {
  const files = new OpensslFiles();
  onTestFinished(() => {
    files.remove();
  });
  const path = files.write('certificates.pem', pem);
  const found = parseCertificatesOnly(openssl(['crl2pkcs7', '-nocrl', '-certfile', path, '-outform', 'DER']));
  expect(serialNumbers(found)).toEqual(serialNumbers(certificates));
});

test('what somebody signed, and what is cut off, is no such message', async () => {
  const countersigned = await countersignForAlice(enrollment);
  expect((await refusal(() => parseCertificatesOnly(countersigned))).code).toBe('DER_MALFORMED');
  const message = createCertificatesOnly(certificates);
  for (let length = 0; length < message.length; length += 13) {
    const code = (await refusal(() => parseCertificatesOnly(message.subarray(0, length)))).code;
    expect(code).toBe('DER_MALFORMED');
  }
});
