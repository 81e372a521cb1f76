import type { KdcAddress } from '@countersign/hello/sign-in';
import { assertInstalled, type KerberosClient } from '@countersign/hello/trial-domain';
import type { DemoUser } from '../demo-user.ts';

/** A Kerberos realm that runs for a demonstration, with one user who may sign in with a certificate of its CA. */
export interface DemoRealm extends KerberosClient {
  readonly server: 'samba' | 'mit';
  /** Name and version, for people. */
  readonly description: string;
  readonly kdc: KdcAddress;
  /** What the user types at the sign-in. */
  readonly userName: string;
  /** The service that a ticket is fetched for, as `kvno` takes it. */
  readonly service: string;
  /** Directory that tells a user who signed in by GSSAPI who that is; undefined where there is none. */
  readonly directory: { readonly url: string; readonly user: DemoUser } | undefined;
  /** Ends its servers and removes all that they kept. */
  readonly stop: () => Promise<void>;
}

/** `alice@CONTOSO.TEST` is Alice of the realm CONTOSO.TEST, whose KDC is `dc.contoso.test`. */
export function realmOf(upn: string): {
  readonly name: string;
  readonly realm: string;
  readonly hostName: string;
} {
  const at = upn.lastIndexOf('@');
  const domain = upn.slice(at + 1);
  return { name: upn.slice(0, at), realm: domain.toUpperCase(), hostName: `dc.${domain.toLowerCase()}` };
}

/** Before a server is started for nothing. @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE` */
export async function assertClientsInstalled(): Promise<void> {
  await assertInstalled({
    server: 'a realm to try tickets in',
    parts: {
      klist: 'krb5-user',
      kvno: 'krb5-user',
      ldapsearch: 'ldap-utils',
      '/usr/lib/*/sasl2/libgssapiv2.so': 'libsasl2-modules-gssapi-mit',
    },
  });
}
