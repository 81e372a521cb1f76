import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
} from '@countersign/core';
import { expect, test } from 'vitest';
import {
  contentTypeAttribute,
  data,
  digestAttribute,
  forgeCountersignature,
  requesterAttribute,
} from '../enrollment/countersignature-forger.ts';
import { der, nullValue, octets, oid, sequence } from '../enrollment/der.ts';
import {
  agentName,
  alice,
  bob,
  caName,
  countersignAs,
  countersignForAlice,
  issueAgent,
  MemoryDirectory,
  now,
} from '../enrollment/enrollment-fixture.ts';
import { agentWith, extension, keyUsage } from '../enrollment/assemble-certificate.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import {
  benchOf,
  casesAt,
  createBench,
  expectRefused,
  type Attempt,
  type Attempts,
} from './refusal-bench.ts';

const signs = keyUsage(7, 0x80);
const requestAgent = '1.3.6.1.4.1.311.20.2.1';
const enrolls = purposes(requestAgent);
const cA = extension('2.5.29.19', sequence(der(0x01, Uint8Array.of(0xff))));
const unknown = sequence(oid('1.2.3.4'), der(0x01, Uint8Array.of(0xff)), octets(nullValue()));

const attempts: Attempts<'agent'> = {
  'no agent at all': async ({ aliceKey }) => ({ countersigned: await createCertificationRequest(aliceKey) }),
  'a certificate without purposes': certified(signs),
  'a certificate for any purpose': certified(signs, purposes('2.5.29.37.0')),
  'a purpose whose last arc is 2^32 too large': certified(
    signs,
    purposes(`1.3.6.1.4.1.311.20.2.${2 ** 32 + 1}`),
  ),
  'a certificate for sign-in': async (bench) => {
    const logon = await bench.ca.issue(await countersignForAlice(bench));
    return { countersigned: await countersignAs(bench, bench.aliceKey, logon) };
  },
  'a key usage without signatures': certified(enrolls, keyUsage(5, 0x20)),
  'the powers of a CA': certified(signs, enrolls, cA),
  'an unknown critical extension': certified(signs, enrolls, unknown),
  'an expired certificate': async (bench) => {
    const countersigned = await countersignForAlice(bench);
    bench.clock.now = new Date(bench.agentCertificate.notAfter.getTime() + 1);
    return { countersigned };
  },
  'a certificate that is not valid yet': async (bench) => {
    bench.clock.now = new Date(now.getTime() + 86_400_000);
    const agentCertificate = await issueAgent(bench.ca, bench.agentKey);
    const at = benchOf({ ...bench, agentCertificate });
    const countersigned = await countersignForAlice(at);
    bench.clock.now = now;
    return { countersigned, at };
  },
  'a revoked certificate': async (bench) => {
    await bench.ca.revoke(bench.agentCertificate.serialNumber, 'keyCompromise');
    return { countersigned: await countersignForAlice(bench) };
  },
  'a certificate on hold': async (bench) => {
    await bench.ca.revoke(bench.agentCertificate.serialNumber, 'certificateHold');
    return { countersigned: await countersignForAlice(bench) };
  },
  'a certificate of another CA of the same name': async (bench) => {
    const key = await softwareKey('p256');
    const certificate = await createRootCertificate(key, caName, now);
    const other = new CertificationAuthority({ ...bench.caOptions, key, certificate });
    const agent = await issueAgent(other, bench.agentKey);
    return { countersigned: await countersignAs(bench, bench.agentKey, agent) };
  },
  'a certificate of another CA with the same key': async (bench) => {
    const certificate = await createRootCertificate(bench.caKey, Name.fromString('CN=Another CA'), now);
    const other = new CertificationAuthority({ ...bench.caOptions, certificate });
    const agent = await issueAgent(other, bench.agentKey);
    return { countersigned: await countersignAs(bench, bench.agentKey, agent) };
  },
  'a certificate that the ledger does not know': async (bench) => {
    const other = new CertificationAuthority({ ...bench.caOptions, ledger: new MemoryLedger() });
    const agent = await issueAgent(other, bench.agentKey);
    return { countersigned: await countersignAs(bench, bench.agentKey, agent) };
  },
  'a self-signed certificate': async (bench) => {
    const root = await createRootCertificate(bench.agentKey, agentName, now);
    return { countersigned: await countersignAs(bench, bench.agentKey, root) };
  },
  'a user outside its restriction': async (bench) => {
    const right = { agent: agentName, profiles: ['hello-logon'], subjects: [bob.sid] } as const;
    const at = benchOf(bench, { agentRights: [right] });
    return { countersigned: await countersignForAlice(at), at };
  },
  'an agent that has no right listed': async (bench) => {
    const at = benchOf(bench, { agentRights: [] });
    return { countersigned: await countersignForAlice(at), at };
  },
  'a protected account': async (bench) => {
    // Domain Admins (MS-DTYP 2.4.2.4).
    const groups = ['S-1-5-21-1004336348-1177238915-682003330-512'];
    const directory = new MemoryDirectory({ ...alice, sid: bob.sid, groups });
    return { countersigned: await countersignForAlice(bench), at: benchOf(bench, { directory }) };
  },
  "the agent's own key": async ({ agentKey, agentCertificate }) => {
    const content = await createCertificationRequest(agentKey);
    const attributes = [
      contentTypeAttribute(data),
      digestAttribute(content),
      requesterAttribute(alice.account),
    ];
    return {
      countersigned: await forgeCountersignature({
        key: agentKey,
        certificate: agentCertificate,
        content,
        attributes,
      }),
    };
  },
  "the agent's own account": async (bench) => {
    const directory = new MemoryDirectory({ ...alice, distinguishedName: agentName.toString() });
    return { countersigned: await countersignForAlice(bench), at: benchOf(bench, { directory }) };
  },
  'an account that the directory does not know': async ({ aliceKey }) => ({
    request: await createCertificationRequest(aliceKey),
    upn: 'mallory@contoso.example',
    account: 'CONTOSO\\mallory',
  }),
};

test.each(casesAt('agent', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await createBench(), refused);
});

test("an agent's certificate that is made by hand and right countersigns", async () => {
  const bench = await createBench();
  const certificate = await agentWith(bench, [signs, enrolls]);
  await bench.ca.issue(await countersignAs(bench, bench.agentKey, certificate));
  expect(bench.signatures.ca).toBe(1);
});

/** A certificate with these extensions that the CA's key signed and its ledger knows. */
function certified(...extensions: readonly Uint8Array[]): Attempt {
  return async (bench) => {
    const certificate = await agentWith(bench, extensions);
    return { countersigned: await countersignAs(bench, bench.agentKey, certificate) };
  };
}

function purposes(...ids: readonly string[]): Uint8Array {
  return extension('2.5.29.37', sequence(...ids.map(oid)));
}
