import { enrollmentAgent } from './enrollment-agent.ts';
import { helloLogon } from './hello-logon.ts';
import { kdc } from './kdc.ts';
import { ocspResponder } from './ocsp-responder.ts';
import type { CertificateContents, CertificateOrder } from './profile.ts';

/** What the profile of an order makes of it. */
export function contentsOf(order: CertificateOrder): CertificateContents {
  switch (order.profile) {
    case 'hello-logon':
      return helloLogon(order.user, order.template, order.issuancePolicies);
    case 'enrollment-agent':
      return enrollmentAgent(order.subject);
    case 'kdc':
      return kdc(order.realm, order.hostName);
    case 'ocsp-responder':
      return ocspResponder(order.subject);
  }
}
