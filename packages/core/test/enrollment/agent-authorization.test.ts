import {
  CertificationAuthority,
  createCertificationRequest,
  Name,
  type DirectoryUser,
  type EnrollmentAgentRight,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import {
  agentName,
  alice,
  bob,
  countersignAs,
  countersignForAlice,
  createEnrollment,
  issueAgent,
  type Enrollment,
} from './enrollment-fixture.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

const restrictedOfficer = { symbol: 'CERTSRV_E_RESTRICTEDOFFICER', hresult: 0x80094009 };
const staff = 'S-1-5-21-1004336348-1177238915-682003330-2001';
const guests = 'S-1-5-21-1004336348-1177238915-682003330-2002';

/** The enrollment again, with a CA that has these rights. */
function withRights(enrollment: Enrollment, ...agentRights: readonly EnrollmentAgentRight[]): Enrollment {
  const caOptions = { ...enrollment.caOptions, agentRights };
  return { ...enrollment, caOptions, ca: new CertificationAuthority(caOptions) };
}

const right = { agent: agentName, profiles: ['hello-logon'], subjects: [staff] } as const;

describe('an agent whose rights are limited', () => {
  test.each<[string, Partial<EnrollmentAgentRight>, Partial<DirectoryUser>]>([
    ['everyone', { subjects: 'everyone' }, {}],
    ['a group that the user is in', {}, { groups: [guests, staff] }],
    ['several groups, of which the user is in one', { subjects: [staff, guests] }, { groups: [guests] }],
    ['the user itself', { subjects: [alice.sid] }, {}],
  ])('may enroll where the right is for %s', async (_, rightChanges, userChanges) => {
    const enrollment = withRights(await createEnrollment(), { ...right, ...rightChanges });
    enrollment.directory.change(alice.upn, userChanges);
    const certificate = await enrollment.ca.issue(await countersignForAlice(enrollment));
    expect(certificate.subject.toString()).toBe(alice.distinguishedName);
  });

  test.each<[string, readonly EnrollmentAgentRight[], Partial<DirectoryUser>]>([
    ['there are no rights at all', [], { groups: [staff] }],
    ['the right is for no profile', [{ ...right, profiles: [] }], { groups: [staff] }],
    ['the user is in another group', [right], { groups: [guests] }],
    ['the user is in no group', [right], {}],
    ['the right is for nobody', [{ ...right, subjects: [] }], { groups: [staff] }],
    ['the right is for another user', [{ ...right, subjects: [bob.sid] }], {}],
    [
      'the SID of the right is the beginning of the group’s',
      [{ ...right, subjects: [staff.slice(0, -1)] }],
      { groups: [staff] },
    ],
    [
      'the right is another agent’s',
      [{ ...right, agent: Name.fromString('CN=Contoso Enrollment Agent'), subjects: 'everyone' }],
      { groups: [staff] },
    ],
    [
      'one right has the group and the other the profile',
      [
        { ...right, profiles: [] },
        { ...right, subjects: [guests] },
      ],
      { groups: [staff] },
    ],
  ])('enrolls nobody where %s', async (_, rights, userChanges) => {
    const enrollment = withRights(await createEnrollment(), ...rights);
    enrollment.directory.change(alice.upn, userChanges);
    const error = await refusedByCa(enrollment, await countersignForAlice(enrollment));
    expect([error.code, error.adcs]).toEqual(['AGENT_RESTRICTED', restrictedOfficer]);
    expect(error.message).toContain(agentName.toString());
    expect(error.message).toContain(alice.account);
  });

  test('loses the right with the group, from one request to the next', async () => {
    const enrollment = withRights(await createEnrollment(), right);
    enrollment.directory.change(alice.upn, { groups: [staff] });
    await enrollment.ca.issue(await countersignForAlice(enrollment));
    enrollment.directory.change(alice.upn, { groups: [] });
    const error = await refusedByCa(enrollment, await countersignForAlice(enrollment));
    expect(error.code).toBe('AGENT_RESTRICTED');
  });

  test('does not share the right of its neighbour', async () => {
    const enrollment = withRights(await createEnrollment(), { ...right, subjects: 'everyone' });
    const otherKey = await softwareKey('p256');
    const other = await issueAgent(enrollment.ca, otherKey, Name.fromString('CN=Another Agent'));
    const error = await refusedByCa(enrollment, await countersignAs(enrollment, otherKey, other));
    expect(error.code).toBe('AGENT_RESTRICTED');
    await enrollment.ca.issue(await countersignForAlice(enrollment));
  });
});

describe('an agent that asks for itself', () => {
  test.each([
    ['is called as its user is', alice.distinguishedName],
    ['writes the name of its user otherwise', alice.distinguishedName.toUpperCase()],
    ['writes the name of its user with other spaces', 'CN=Alice  Example,OU=People,DC=contoso,DC=example'],
  ])('is refused where it %s', async (_, subject) => {
    const enrollment = await createEnrollment();
    const key = await softwareKey('p256');
    const agent = await issueAgent(enrollment.ca, key, Name.fromString(subject));
    for (const each of [
      enrollment,
      withRights(enrollment, { ...right, agent: agent.subject, subjects: 'everyone' }),
    ]) {
      const error = await refusedByCa(each, await countersignAs(each, key, agent));
      expect([error.code, error.adcs]).toEqual(['AGENT_ENROLLS_ITSELF', restrictedOfficer]);
    }
  });

  test('is refused where it would have its own key certified', async () => {
    const enrollment = await createEnrollment();
    const { agentKey, agentCertificate } = enrollment;
    const countersigned = await countersignAs({ aliceKey: agentKey }, agentKey, agentCertificate);
    const error = await refusedByCa(enrollment, countersigned);
    expect([error.code, error.adcs]).toEqual(['AGENT_ENROLLS_ITSELF', restrictedOfficer]);
  });

  test('may ask for others', async () => {
    const enrollment = await createEnrollment();
    const key = await softwareKey('p256');
    const agent = await issueAgent(enrollment.ca, key, Name.fromString(bob.distinguishedName));
    await enrollment.ca.issue(await countersignAs(enrollment, key, agent));
  });
});

const domain = 'S-1-5-21-1004336348-1177238915-682003330';

describe('a protected account', () => {
  test.each<[string, Partial<DirectoryUser>]>([
    ['Administrator', { sid: `${domain}-500` }],
    ['krbtgt', { sid: `${domain}-502` }],
    ['Domain Admins', { groups: [`${domain}-512`] }],
    ['Domain Controllers', { groups: [`${domain}-516`] }],
    ['Schema Admins', { groups: [`${domain}-518`] }],
    ['Enterprise Admins', { groups: [`${domain}-519`] }],
    ['Read-only Domain Controllers', { groups: [`${domain}-521`] }],
    ['Protected Users', { groups: [`${domain}-525`] }],
    ['Key Admins', { groups: [`${domain}-526`] }],
    ['Enterprise Key Admins', { groups: [`${domain}-527`] }],
    ['Administrators', { groups: ['S-1-5-32-544'] }],
    ['Account Operators', { groups: ['S-1-5-32-548'] }],
    ['Server Operators', { groups: ['S-1-5-32-549'] }],
    ['Print Operators', { groups: ['S-1-5-32-550'] }],
    ['Backup Operators', { groups: ['S-1-5-32-551'] }],
    ['Replicator', { groups: ['S-1-5-32-552'] }],
  ])('is enrolled by no agent, whatever its rights: %s', async (name, changes) => {
    const enrollment = withRights(await createEnrollment(), { ...right, subjects: 'everyone' });
    const { sid = alice.sid, groups = [] } = changes;
    enrollment.directory.change(alice.upn, { sid, groups: [staff, ...groups] });
    const error = await refusedByCa(enrollment, await countersignForAlice(enrollment));
    expect([error.code, error.adcs]).toEqual(['ACCOUNT_PROTECTED', restrictedOfficer]);
    expect(error.message).toContain(`(${name})`);
  });

  test.each<[string, Partial<DirectoryUser>]>([
    [
      'Domain Users, and an alias that ends like Administrator',
      { groups: [`${domain}-513`, 'S-1-5-32-500'] },
    ],
    ['a group whose number ends like Domain Admins', { groups: [`${domain}-1512`] }],
    ['an account whose number is that of a protected group', { sid: `${domain}-519` }],
    ['a group outside of a domain', { groups: ['S-1-5-512', 'S-1-18-512'] }],
  ])('is not: %s', async (_, changes) => {
    const enrollment = await createEnrollment();
    enrollment.directory.change(alice.upn, changes);
    await enrollment.ca.issue(await countersignForAlice(enrollment));
    expect(enrollment.ledger.recorded).toHaveLength(2);
  });
});

test('an agent’s certificate that an operator orders is not bound by the rights of agents', async () => {
  const enrollment = withRights(await createEnrollment());
  const request = await createCertificationRequest(await softwareKey('p256'));
  const order = { profile: 'enrollment-agent', subject: agentName } as const;
  expect((await enrollment.ca.issueForOperator(request, order)).subject.equals(agentName)).toBe(true);
});
