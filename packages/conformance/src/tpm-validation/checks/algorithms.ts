import { failure, inArea, notSupported, pass, warning } from '../tpm-check.ts';

/** What each is needed for, by its name in the TCG algorithm registry. */
const needed: Readonly<Record<string, string>> = {
  RSA: 'keys of Windows Hello are RSA 2048 by default',
  RSASSA: 'certification requests and PKINIT of RSA keys',
  ECC: 'P-256 keys, and storage keys',
  ECDSA: 'signatures of P-256 keys',
  SHA256: 'every signature and Name',
  HMAC: 'sessions',
  KEYEDHASH: 'sessions and sealed data',
  AES: 'encryption of keys outside the TPM, and of sessions',
  CFB: 'encryption of keys outside the TPM, and of sessions',
};

const wanted: Readonly<Record<string, string>> = {
  RSAPSS: 'TLS 1.3 with RSA keys, which then cannot authenticate there',
  OAEP: 'activation of credentials by RSA endorsement keys, so that the TPM cannot be attested with one',
  ECDH: 'sessions salted with elliptic curve keys',
  SHA384: 'signatures of P-384 keys and certificates',
};

export const algorithmChecks = inArea('algorithms', [
  {
    id: 'algorithms.needed',
    title: 'it has the algorithms that keys of Hello need',
    rule: `It implements ${Object.keys(needed).join(', ')}.`,
    source: 'TCG PC Client Platform TPM Profile, 4.1; Windows Hello for Business',
    expected: Object.keys(needed).join(', '),
    consequence: 'Keys cannot be made, or not be used.',
    run: ({ facts: { algorithms } }) => {
      const missing = Object.entries(needed).filter(([name]) => !algorithms.has(name));
      return missing.length === 0
        ? pass(`all of them, among ${algorithms.size} in all`, 'Both kinds of keys can be made here.')
        : failure(
            `without ${missing.map(([name]) => name).join(', ')}`,
            `It lacks what serves ${missing.map(([, use]) => use).join('; ')}. Use another TPM, or other firmware.`,
          );
    },
  },
  {
    id: 'algorithms.wanted',
    title: 'it has the algorithms that are of use beside',
    rule: `It implements ${Object.keys(wanted).join(', ')}.`,
    source: 'TCG PC Client Platform TPM Profile, 4.1; RFC 8446 4.2.3',
    expected: Object.keys(wanted).join(', '),
    consequence: 'Some uses of keys are not possible.',
    ifRefused: 'warning',
    run: ({ facts: { algorithms } }) => {
      const missing = Object.entries(wanted).filter(([name]) => !algorithms.has(name));
      return missing.length === 0
        ? pass('all of them', 'Nothing that keys of Hello are used for is missing.')
        : warning(
            `without ${missing.map(([name]) => name).join(', ')}`,
            `It lacks what serves ${missing.map(([, use]) => use).join('; ')}.`,
          );
    },
  },
  {
    id: 'algorithms.curves',
    title: 'it has the curve P-256',
    rule: 'NIST P-256 is among its curves.',
    source: 'TCG PC Client Platform TPM Profile, 4.1',
    expected: 'NIST_P256',
    consequence: 'P-256 keys cannot be made.',
    run: ({ facts: { curves } }) => {
      const found = [...curves].join(', ') || 'none';
      return curves.has('NIST_P256')
        ? pass(found, 'P-256 keys, the fastest that Hello takes, can be made here.')
        : failure(found, 'P-256 keys cannot be made, nor storage keys of the usual template.');
    },
  },
  {
    id: 'algorithms.p384',
    title: 'it has the curve P-384',
    rule: 'NIST P-384 is among its curves; it need not be.',
    source: 'CNSA 1.0; TCG EK Credential Profile 2.5, B.4.5',
    expected: 'NIST_P384',
    consequence: 'P-384 keys cannot be made.',
    ifRefused: 'warning',
    run: ({ facts: { curves } }) =>
      curves.has('NIST_P384')
        ? pass('NIST_P384', 'P-384 keys can be made, and endorsement keys of that size used.')
        : notSupported('no NIST_P384', 'P-384 keys cannot be made here. Keys of Hello do not need them.'),
  },
  {
    id: 'algorithms.rsa-2048',
    title: 'it makes RSA keys of 2048 bits',
    rule: 'TPM2_TestParms accepts RSA keys of 2048 bits.',
    source: 'TCG PC Client Platform TPM Profile, 4.1; Windows Hello for Business',
    expected: '2048',
    consequence: 'RSA keys of Hello cannot be made.',
    run: ({ facts: { rsaKeyBits } }) => {
      const found = rsaKeyBits.join(', ') || 'none of 2048, 3072, 4096';
      return rsaKeyBits.includes(2048)
        ? pass(found, 'RSA keys, the default of Windows Hello, can be made here.')
        : failure(found, 'RSA keys, the default of Windows Hello, cannot be made here.');
    },
  },
]);
