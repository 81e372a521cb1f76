import { expect, test } from 'vitest';
import { verifyEndorsementKey } from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import { boolean, octetString, oid, sequence } from '../path-validation/der.ts';
import { Authority, ca, type ExtensionFields } from '../path-validation/hierarchy.ts';
import {
  createEndorsedTpm,
  endorsementExtensions,
  purpose,
  templates,
  tpmName,
  usage,
  type TemplateName,
} from './endorsed-tpm.ts';
import { redescribed, type TpmKeyFields } from './software-tpm.ts';

const tpm = createEndorsedTpm();
const { endorsementKey, manufacturer, inputs } = tpm;

const sound = { subject: '', extensions: endorsementExtensions('L-2') };
const certificateWith = (...extensions: ExtensionFields[]): typeof tpm.certificate =>
  manufacturer.issue(endorsementKey.key, { subject: '', extensions });

async function codeOf(changed: Partial<typeof inputs>): Promise<string> {
  return (await refusal(() => verifyEndorsementKey({ ...inputs, ...changed }))).code;
}

test.each<TemplateName>(['L-1', 'L-2', 'H-3'])(
  'an endorsement key of template %s is accepted',
  async (name) => {
    const verified = await verifyEndorsementKey(createEndorsedTpm(name).inputs);
    expect(verified.template.name).toBe(name);
    expect(verified.path).toHaveLength(2);
    expect(verified.identity).toEqual({
      manufacturer: 'id:49465800',
      model: 'SLB9672',
      version: 'id:00010002',
    });
  },
);

test("the certificate of another TPM's endorsement key is refused", async () => {
  const error = await refusal(() =>
    verifyEndorsementKey({ ...inputs, certificate: createEndorsedTpm().certificate }),
  );
  expect(error.code).toBe('EK_CERTIFICATE_MISMATCH');
  expect(error.adcs?.hresult).toBe(0x80094817);
});

test('an extended key usage without any purpose is refused', async () => {
  const certificate = certificateWith(tpmName(), usage('keyAgreement'), {
    oid: '2.5.29.37',
    value: sequence(),
  });
  expect(await codeOf({ certificate })).toBe('EK_CERTIFICATE_NOT_ACCEPTABLE');
});

test.each<[string, ExtensionFields[]]>([
  ['for another purpose', [tpmName(), usage('keyAgreement'), purpose('2.23.133.8.3')]],
  ['for signatures', [tpmName(), usage('digitalSignature'), purpose()]],
  ['for the other kind of key', [tpmName(), usage('keyEncipherment'), purpose()]],
  ['without a key usage', [tpmName(), purpose()]],
  ['of a CA', [tpmName(), usage('keyAgreement'), purpose(), ca()]],
  ['that says nothing of a TPM', [usage('keyAgreement')]],
])('a certificate %s is refused', async (_, extensions) => {
  expect(await codeOf({ certificate: certificateWith(...extensions) })).toBe('EK_CERTIFICATE_NOT_ACCEPTABLE');
});

test('without a purpose the names in the certificate will do', async () => {
  const certificate = certificateWith(tpmName(), usage('keyAgreement'));
  const { identity } = await verifyEndorsementKey({ ...inputs, certificate });
  expect(identity?.model).toBe('SLB9672');
});

test.each<[string, TpmKeyFields]>([
  ['the policy', { ...templates['L-2'], policy: new Uint8Array(32) }],
  ['the attributes', { ...templates['L-2'], attributes: [...templates['L-2'].attributes, 'userWithAuth'] }],
  ['the symmetric algorithm', { ...templates['L-2'], symmetricBits: 256 }],
  ['the scheme', { ...templates['L-2'], scheme: Uint8Array.of(0, 0x18, 0, 0x0b) }],
  ['the name algorithm', { ...templates['L-2'], nameHash: 'sha384', policy: new Uint8Array(48) }],
])('a public area that differs from the template in %s is refused', async (found, fields) => {
  const publicArea = redescribed(endorsementKey.key, fields).area;
  const error = await refusal(() => verifyEndorsementKey({ ...inputs, publicArea }));
  expect(error.code).toBe('EK_TEMPLATE_MISMATCH');
  expect(error.message).toContain(found);
});

test('only the templates that the caller lists are accepted', async () => {
  expect(await codeOf({ templates: [] })).toBe('EK_TEMPLATE_MISMATCH');
});

test('a chain that expired, or leads elsewhere, is refused', async () => {
  const expired = manufacturer.issue(endorsementKey.key, {
    ...sound,
    notAfter: new Date('2021-01-01T00:00:00Z'),
  });
  expect(await codeOf({ certificate: expired })).toBe('CERTIFICATE_EXPIRED');
  expect(await codeOf({ at: new Date('2041-01-01T00:00:00Z') })).toBe('CERTIFICATE_EXPIRED');
  const stranger = new Authority('CN=TPM Root');
  expect(await codeOf({ trustAnchors: [stranger.selfSigned()] })).toBe('SIGNATURE_INVALID');
  expect(await codeOf({ trustAnchors: [] })).toBe('PATH_NOT_FOUND');
});

test('a CA that is for other purposes issues no certificates of endorsement keys', async () => {
  const extensions = [ca(), purpose('1.3.6.1.5.5.7.3.1')];
  const limited = tpm.root.issue(manufacturer, { subject: manufacturer.name, extensions });
  expect(await codeOf({ certificates: [limited] })).toBe('PURPOSE_NOT_PERMITTED');
});

test('critical subject directory attributes are processed, other unknown extensions are not', async () => {
  const specification = sequence(oid('2.23.133.2.16'), Uint8Array.of(0x31, 0x00));
  const known = { oid: '2.5.29.9', critical: true, value: sequence(specification) };
  const certificate = certificateWith(...sound.extensions, known);
  expect((await verifyEndorsementKey({ ...inputs, certificate })).path).toHaveLength(2);
  const unknown = { oid: '1.3.6.1.4.1.99999.2', critical: true, value: octetString(boolean(true)) };
  expect(await codeOf({ certificate: certificateWith(...sound.extensions, unknown) })).toBe(
    'EXTENSION_NOT_PROCESSED',
  );
});
