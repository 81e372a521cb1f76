import { describe } from 'vitest';
import { unless } from './refusals.ts';
import { tryBroken } from './try-broken.ts';

describe('certificates', () => {
  tryBroken({
    'a certificate of another key is taken': {
      breaks: () => ({
        provider: ({ putCertificate }) => ({
          putCertificate: async (ref, certificate) =>
            putCertificate(ref, certificate).catch(unless('CERTIFICATE_KEY_MISMATCH')),
        }),
      }),
      fails: ['certificate.mismatch'],
    },
    'what is no certificate is taken': {
      breaks: () => ({
        provider: ({ putCertificate }) => ({
          putCertificate: async (ref, certificate) =>
            putCertificate(ref, certificate).catch(unless('DER_MALFORMED')),
        }),
      }),
      fails: ['certificate.malformed'],
    },
    'certificates are lost': {
      breaks: () => ({ provider: () => ({ putCertificate: async () => undefined }) }),
      fails: ['certificate.kept'],
    },
    'certificates are lost when the provider closes': {
      breaks: () => ({
        provider: (right) => {
          const put = new Set<string>();
          return {
            putCertificate: async (ref, certificate) => {
              await right.putCertificate(ref, certificate);
              put.add(ref);
            },
            close: async () => {
              for (const ref of put) await right.removeCertificate(ref).catch(unless('KEY_NOT_FOUND'));
              put.clear();
              await right.close();
            },
          };
        },
      }),
      fails: ['certificate.lasting'],
    },
    'the first certificate stays': {
      breaks: () => ({
        provider: ({ putCertificate, getCertificate }) => ({
          putCertificate: async (ref, certificate) => {
            const copy = Uint8Array.from(certificate);
            if ((await getCertificate(ref)) === undefined) await putCertificate(ref, copy);
          },
        }),
      }),
      fails: ['certificate.mismatch', 'certificate.replaced'],
    },
    'certificates are not listed': {
      breaks: () => ({
        provider: ({ listCertificates }) => ({
          listCertificates: async () => (await listCertificates()).slice(0, 0),
        }),
      }),
      fails: ['certificate.kept'],
    },
    'certificates are not removed': {
      breaks: () => ({
        provider: ({ getCertificate }) => ({
          removeCertificate: async (ref) => {
            await getCertificate(ref);
          },
        }),
      }),
      fails: ['certificate.removed'],
    },
    'a certificate stays when its key is destroyed': {
      breaks: () => {
        const left: { readonly ref: string; readonly certificate: Uint8Array }[] = [];
        return {
          provider: ({ destroy, getCertificate, listCertificates }) => ({
            destroy: async (ref) => {
              const certificate = await getCertificate(ref).catch(unless('KEY_NOT_FOUND'));
              if (certificate instanceof Uint8Array) left.push({ ref, certificate });
              await destroy(ref);
            },
            listCertificates: async () => [...(await listCertificates()), ...left],
          }),
        };
      },
      fails: ['certificate.gone-with-key'],
    },
    'the certificate is the provider’s own buffer': {
      breaks: () => {
        const buffers = new Map<string, Uint8Array>();
        return {
          provider: ({ putCertificate, getCertificate, removeCertificate }) => ({
            putCertificate: async (ref, certificate) => {
              const copy = Uint8Array.from(certificate);
              await putCertificate(ref, copy);
              buffers.set(ref, copy);
            },
            getCertificate: async (ref) =>
              (await getCertificate(ref)) === undefined ? undefined : buffers.get(ref),
            removeCertificate: async (ref) => removeCertificate(ref),
          }),
        };
      },
      fails: ['certificate.own-copy'],
    },
    'the certificate of one key is shown for another': {
      breaks: () => {
        let last: Uint8Array | undefined;
        return {
          provider: ({ putCertificate, getCertificate }) => ({
            putCertificate: async (ref, certificate) => {
              const copy = Uint8Array.from(certificate);
              await putCertificate(ref, copy);
              last = copy;
            },
            getCertificate: async (ref) =>
              (await getCertificate(ref)) === undefined ? undefined : last?.slice(),
          }),
        };
      },
      fails: ['certificate.each-its-own'],
    },
  });
});
