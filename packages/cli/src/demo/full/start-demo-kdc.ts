import { runKerberosProgram, startMitKdc, type MitKdc } from '@countersign/hello/trial-domain';
import { readCaCertificate, withCa } from '../../authorities/ca-state.ts';
import { assertClientsInstalled, realmOf, type DemoRealm } from './demo-realm.ts';
import { issueKdcIdentity } from './issue-kdc-identity.ts';

export interface DemoKdc extends DemoRealm {
  readonly server: 'mit';
  /** What it runs on. */
  readonly mit: MitKdc;
}

/**
 * Starts a KDC of MIT Kerberos with the user, with a certificate of the demonstration's CA. It lets in whom that CA
 * certifies, and looks certificates up in the CA's CRL of this moment.
 * @param did is told each thing that was done, a line each
 * @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE`
 */
export async function startDemoKdc(
  caDirectory: string,
  upn: string,
  did: (line: string) => void,
): Promise<DemoKdc> {
  await assertClientsInstalled();
  const { name, realm, hostName } = realmOf(upn);
  const identity = await issueKdcIdentity(caDirectory, realm, hostName);
  const anchors = [await readCaCertificate(caDirectory)];
  const crl = await withCa(caDirectory, { to: 'sign', pin: {} }, (ca) => ca.createCrl());
  const service = `ldap/${hostName}`;
  const kdc = await startMitKdc({
    realm,
    pkinit: { identity, anchors, crl },
    users: [name],
    services: [service],
  });
  try {
    const { stdout } = await runKerberosProgram(kdc, '/dev/null', 'klist', '-V');
    const description = `MIT ${stdout.trim()}`;
    did(`${description}: KDC of the realm ${realm} on loopback, port ${kdc.kdc.port}`);
    did(`its certificate is of the CA: serial ${identity.certificate.serialNumber}; it has the CA’s CRL`);
    return {
      server: 'mit',
      description,
      realm,
      krb5ConfigFile: kdc.krb5ConfigFile,
      kdc: kdc.kdc,
      userName: name,
      service,
      directory: undefined,
      mit: kdc,
      stop: async () => kdc.stop(),
    };
  } catch (error) {
    await kdc.stop();
    throw error;
  }
}
