import { Certificate, tpmIdentityOf, verifyEndorsementKey } from '@countersign/core';
import { describeError, isCountersignError } from '../../deviation.ts';
import {
  failure,
  inArea,
  pass,
  skipped,
  warning,
  type TpmCheckContext,
  type TpmFinding,
} from '../tpm-check.ts';
import type { EndorsementCertificate } from '../tpm-under-test.ts';

const noAttestation =
  'Keys can be made and used, but nobody can be shown that they are in a TPM: a CA that requires attestation refuses them.';

export const endorsementChecks = inArea('endorsement', [
  {
    id: 'endorsement.certificates',
    title: 'the manufacturer left certificates of endorsement keys in it',
    rule: 'At least one NV index of the profile holds a certificate that can be read.',
    source: 'TCG EK Credential Profile 2.5, 2.2.1.4, 2.2.1.5',
    expected: 'one or more certificates',
    consequence: noAttestation,
    ifRefused: 'warning',
    run: async ({ material }) => {
      const found = await material.endorsementCertificates();
      const damaged = found.filter(({ contents }) => 'problem' in contents);
      if (found.length === 0) {
        return warning(
          'none',
          `${noAttestation} Some manufacturers keep them on a server: ask there, by the hash of the endorsement key.`,
        );
      }
      return damaged.length > 0
        ? warning(describeAll(damaged), `${noAttestation} Ask its manufacturer for the certificate.`)
        : pass(describeAll(found), 'The TPM can prove who made it, if the checks that follow pass.');
    },
  },
  {
    id: 'endorsement.match',
    title: 'each certificate is for an endorsement key of this TPM',
    rule: 'The key of the certificate is one that the TPM has, or makes from the template of the slot.',
    source: 'TCG EK Credential Profile 2.5, B.3, B.4',
    expected: 'the same key in certificate and TPM',
    consequence: noAttestation,
    needs: ['endorsement.certificates'],
    run: matchAll,
  },
  {
    id: 'endorsement.chain',
    title: 'each certificate leads to a root of the manufacturer that is trusted',
    rule: 'There is a valid path from a given root, and the certificate is for endorsement keys.',
    source: 'TCG EK Credential Profile 2.5, 3.2; RFC 5280 6',
    expected: 'a valid path',
    consequence: 'Who trusts these roots refuses attestations of this TPM.',
    ifRefused: 'warning',
    needs: ['endorsement.match'],
    run: verifyChains,
  },
  {
    id: 'endorsement.identity',
    title: 'the certificates name the manufacturer that the TPM names',
    rule: 'The manufacturer in the subject alternative name is TPM_PT_MANUFACTURER.',
    source: 'TCG EK Credential Profile 2.5, 3.1.2',
    expected: 'the same manufacturer',
    consequence: 'Who made the TPM is not certain.',
    ifRefused: 'warning',
    needs: ['endorsement.certificates'],
    run: compareIdentities,
  },
]);

async function matchAll({ tpm, material }: TpmCheckContext): Promise<TpmFinding> {
  const matching: string[] = [];
  for (const certificate of await material.endorsementCertificates()) {
    try {
      const { slot } = await tpm.endorsementKey(certificate);
      matching.push(slot);
    } catch (error) {
      if (!isCountersignError(error) || error.code !== 'EK_CERTIFICATE_MISMATCH') throw error;
      return failure(
        `in slot ${certificate.slot}, ${error.message}`,
        'The certificate belongs to another TPM, or the endorsement seed of this one was changed: every verifier refuses its attestations, and who relies on the certificate alone takes this TPM for another. Ask its manufacturer.',
      );
    }
  }
  return pass(`of ${matching.join(', ')}`, 'What the manufacturer certified is in this TPM.');
}

async function verifyChains({ tpm, material, options }: TpmCheckContext): Promise<TpmFinding> {
  const { endorsementRoots: roots, at } = options;
  if (roots === undefined) {
    return skipped(
      'no roots of manufacturers were given',
      'Whether the certificates come from the manufacturer was not checked: anybody can issue them. Give its roots with --endorsement-roots.',
    );
  }
  const chain = (await tpm.endorsementChain()).map((der) => Certificate.parse(der));
  const paths: string[] = [];
  for (const found of await material.endorsementCertificates()) {
    const { publicArea, template } = await tpm.endorsementKey(found);
    const certificate = certificateOf(found);
    try {
      const { path } = await verifyEndorsementKey({
        publicArea,
        certificate,
        at,
        templates: [template],
        trustAnchors: roots.trustAnchors,
        certificates: [...roots.certificates, ...chain],
      });
      paths.push(
        `${found.slot}: ${path.length} certificates below ${path[0]?.issuer.toString() ?? 'the root'}`,
      );
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return warning(
        `in slot ${found.slot}, ${describeError(error)}`,
        'Who trusts these roots refuses attestations of this TPM. Either its manufacturer is not among them, or the certificate is not genuine.',
      );
    }
  }
  return pass(paths.join('; '), 'A manufacturer that is trusted says that this is a TPM of its make.');
}

async function compareIdentities({ material, facts }: TpmCheckContext): Promise<TpmFinding> {
  const own = facts.identity.manufacturer;
  const named: string[] = [];
  for (const found of await material.endorsementCertificates()) {
    const identity = tpmIdentityOf(certificateOf(found));
    if (identity !== undefined) named.push(manufacturerOf(identity.manufacturer));
  }
  const others = named.filter((name) => name !== own);
  if (named.length === 0) {
    return warning('the certificates name none', 'Who made the TPM stands in no certificate.');
  }
  return others.length === 0
    ? pass(named.join(', '), 'The TPM’s own word and its certificates agree.')
    : warning(
        `"${others.join('", "')}" in the certificates, "${own}" by the TPM itself`,
        'The TPM says that another made it than its certificates say. With TPMs in software that is common; in a machine, ask its manufacturer.',
      );
}

function certificateOf({ contents, slot }: EndorsementCertificate): Certificate {
  if ('der' in contents) return Certificate.parse(contents.der);
  throw new RangeError(`the certificate of slot ${slot} could not be read before`);
}

/** `id:` and eight hex digits, which are four characters, or not those of the registry. */
function manufacturerOf(identity: string): string {
  const hex = /^id:([0-9a-f]{8})$/i.exec(identity)?.[1];
  if (hex === undefined) return identity;
  if (hex === pciIdOfIbm) return 'IBM';
  const text = Buffer.from(hex, 'hex')
    .toString('latin1')
    .replace(/[\0 ]+$/, '');
  return /^[!-~]+$/.test(text) ? text : identity;
}

/** swtpm_localca writes IBM's number of another registry, that of PCI vendors. */
const pciIdOfIbm = '00001014';

function describeAll(certificates: readonly EndorsementCertificate[]): string {
  return certificates
    .map(({ slot, index, contents }) => {
      const place = `${slot} (0x${index.toString(16).padStart(8, '0')})`;
      if ('problem' in contents) return `${place}: ${contents.problem}`;
      return `${place}: ${Certificate.parse(contents.der).publicKey.algorithm}`;
    })
    .join('; ');
}
