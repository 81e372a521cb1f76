import {
  createRootCertificate,
  isCertificateStore,
  Name,
  type CertificateStore,
  type Key,
  type KeyProvider,
} from '@countersign/core';
import { contract, inArea } from '../conformance-case.ts';
import { check, checkSame, Deviation, expectRefusal, NotSupported } from '../deviation.ts';

const source = contract.certificates;

export const certificateCases = inArea('certificates', [
  {
    id: 'certificate.none',
    title: 'a key without a certificate has none',
    rule: 'getCertificate gives undefined if there is none.',
    source,
    run: async (context) => {
      const store = storeOf(context.provider);
      const { ref } = await context.make();
      check((await store.getCertificate(ref)) === undefined, 'undefined', 'a certificate');
      check(!(await listed(store)).has(ref), 'no entry in the list', 'one');
      await store.removeCertificate(ref);
    },
  },
  {
    id: 'certificate.kept',
    title: 'a certificate lies beside its key as it was put there',
    rule: 'putCertificate stores a DER certificate beside the key; get and list give it back octet for octet.',
    source,
    needs: ['life.usable-at-once', 'public.spki'],
    run: async (context) => {
      const store = storeOf(context.provider);
      const key = await context.make();
      const certificate = await certify(key, 'Kept');
      await store.putCertificate(key.ref, certificate);
      checkKept(certificate, await store.getCertificate(key.ref), 'the certificate');
      checkKept(certificate, (await listed(store)).get(key.ref), 'the certificate in the list');
    },
  },
  {
    id: 'certificate.each-its-own',
    title: 'each key has its own certificate',
    rule: 'A certificate lies beside the key it certifies, and beside no other.',
    source,
    needs: ['certificate.kept'],
    run: async (context) => {
      const store = storeOf(context.provider);
      const [one, two, bare] = [await context.make(), await context.make(), await context.make()];
      const certificates = [await certify(one, 'One'), await certify(two, 'Two')] as const;
      await Promise.all([
        store.putCertificate(one.ref, certificates[0]),
        store.putCertificate(two.ref, certificates[1]),
      ]);
      checkKept(certificates[0], await store.getCertificate(one.ref), 'the certificate of the first key');
      checkKept(certificates[1], await store.getCertificate(two.ref), 'the certificate of the second key');
      check((await store.getCertificate(bare.ref)) === undefined, 'none beside the third key', 'one');
    },
  },
  {
    id: 'certificate.mismatch',
    title: 'a certificate of another key is refused',
    rule: 'CERTIFICATE_KEY_MISMATCH if the keys differ; what lay there stays.',
    source,
    needs: ['certificate.kept'],
    run: async (context) => {
      const store = storeOf(context.provider);
      const [key, other] = [await context.make(), await context.make()];
      const [certificate, others] = [await certify(key, 'Right'), await certify(other, 'Wrong')];
      await store.putCertificate(key.ref, certificate);
      await expectRefusal(['CERTIFICATE_KEY_MISMATCH'], 'the certificate of another key', async () =>
        store.putCertificate(key.ref, others),
      );
      checkKept(certificate, await store.getCertificate(key.ref), 'the certificate that was there');
    },
  },
  {
    id: 'certificate.malformed',
    title: 'what is no DER certificate is refused',
    rule: 'A DER certificate: whole, with nothing after it, and no PEM.',
    source: `${source}; RFC 5280 4.1`,
    needs: ['certificate.kept'],
    run: async (context) => {
      const store = storeOf(context.provider);
      const key = await context.make();
      const certificate = await certify(key, 'Whole');
      const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString('base64')}\n-----END CERTIFICATE-----\n`;
      const malformed = {
        nothing: new Uint8Array(),
        'a cut certificate': certificate.subarray(0, -1),
        'a certificate with an octet after it': Uint8Array.of(...certificate, 0),
        PEM: Buffer.from(pem),
        'a public key': key.publicKey,
      };
      for (const [name, octets] of Object.entries(malformed)) {
        await expectRefusal(['DER_MALFORMED'], name, async () => store.putCertificate(key.ref, octets));
      }
      check(
        (await store.getCertificate(key.ref)) === undefined,
        'nothing left beside the key',
        'a certificate',
      );
    },
  },
  {
    id: 'certificate.replaced',
    title: 'a new certificate takes the place of the old one',
    rule: 'One certificate lies beside a key: the last one put there.',
    source,
    needs: ['certificate.kept'],
    run: async (context) => {
      const store = storeOf(context.provider);
      const key = await context.make();
      const [old, renewed] = [await certify(key, 'Old'), await certify(key, 'Renewed')];
      await store.putCertificate(key.ref, old);
      await store.putCertificate(key.ref, renewed);
      checkKept(renewed, await store.getCertificate(key.ref), 'the new certificate');
      const count = (await store.listCertificates()).filter(({ ref }) => ref === key.ref).length;
      check(count === 1, 'one in the list', `${count}`);
    },
  },
  {
    id: 'certificate.removed',
    title: 'a removed certificate is gone, and removing it again is no error',
    rule: 'removeCertificate leaves the key and takes what lies beside it.',
    source,
    needs: ['certificate.kept'],
    run: async (context) => {
      const store = storeOf(context.provider);
      const key = await context.make();
      await store.putCertificate(key.ref, await certify(key, 'Removed'));
      await store.removeCertificate(key.ref);
      await store.removeCertificate(key.ref);
      check((await store.getCertificate(key.ref)) === undefined, 'undefined', 'a certificate');
      check(!(await listed(store)).has(key.ref), 'no entry in the list', 'one');
      await context.provider.open(key.ref);
    },
  },
  {
    id: 'certificate.gone-with-key',
    title: 'destroying a key takes its certificate along',
    rule: 'Destroys one key for good, with the certificate that lies beside it.',
    source: contract.provider,
    needs: ['certificate.kept', 'life.destroy'],
    run: async (context) => {
      context.needsDestroying();
      const store = storeOf(context.provider);
      const key = await context.make();
      const certificate = await certify(key, 'Going');
      await store.putCertificate(key.ref, certificate);
      await context.provider.destroy(key.ref);
      const left = (await store.listCertificates()).some(
        (one) => Buffer.compare(one.certificate, certificate) === 0,
      );
      check(!left, 'the certificate to be gone', 'it is still in the list');
      await expectRefusal(['KEY_NOT_FOUND'], 'getCertificate', async () => store.getCertificate(key.ref));
    },
  },
  {
    id: 'certificate.lasting',
    title: 'another provider on the same store finds the certificate',
    rule: 'Certificates outlast the provider, as the keys do.',
    source,
    needs: ['certificate.kept'],
    run: async (context) => {
      const maker = await context.openSame();
      const key = await context.make({}, maker);
      const certificate = await certify(key, 'Lasting');
      await storeOf(maker).putCertificate(key.ref, certificate);
      await context.shut(maker);
      const found = await storeOf(await context.openSame()).getCertificate(key.ref);
      checkKept(certificate, found, 'the certificate');
    },
  },
  {
    id: 'certificate.own-copy',
    title: 'what a caller does to its buffers changes no stored certificate',
    rule: 'What goes in is copied, what comes out is the caller’s own.',
    source,
    needs: ['certificate.kept'],
    run: async (context) => {
      const store = storeOf(context.provider);
      const key = await context.make();
      const certificate = Uint8Array.from(await certify(key, 'Copied'));
      const original = Uint8Array.from(certificate);
      const putting = store.putCertificate(key.ref, certificate);
      certificate.fill(0);
      await putting;
      (await store.getCertificate(key.ref))?.fill(0);
      checkKept(original, await store.getCertificate(key.ref), 'the certificate');
    },
  },
]);

function storeOf(provider: KeyProvider): CertificateStore {
  if (isCertificateStore(provider)) return provider;
  throw new NotSupported('the provider keeps no certificates');
}

/** Self-signed, so that nothing but the key is needed. */
async function certify(key: Key, commonName: string): Promise<Uint8Array> {
  return (await createRootCertificate(key, Name.fromString(`CN=${commonName}`), new Date())).der;
}

async function listed(store: CertificateStore): Promise<ReadonlyMap<string, Uint8Array>> {
  return new Map((await store.listCertificates()).map(({ ref, certificate }) => [ref, certificate]));
}

function checkKept(expected: Uint8Array, found: Uint8Array | undefined, what: string): void {
  if (found === undefined) throw new Deviation(`${what} to be there`, 'none');
  checkSame(expected, found, what);
}
