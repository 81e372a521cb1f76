import { failure, inArea, pass, warning } from '../tpm-check.ts';

export const identityChecks = inArea('identity', [
  {
    id: 'identity.family',
    title: 'it is a TPM 2.0',
    rule: 'TPM_PT_FAMILY_INDICATOR says 2.0.',
    source: 'TPM 2.0 part 2, 6.13',
    expected: '2.0',
    consequence: 'Keys of Hello need a TPM 2.0.',
    run: ({ facts: { identity } }) =>
      identity.family === '2.0'
        ? pass('2.0', 'It is of the family that this validation is about.')
        : failure(
            `family "${identity.family}"`,
            'This validation is about TPM 2.0; nothing that it finds can be relied on here.',
          ),
  },
  {
    id: 'identity.specification',
    title: 'it follows a specification that was published',
    rule: 'The revision is 1.16, the first that became a standard, or a later one.',
    source: 'TPM 2.0 part 2, 6.13 (TPM_PT_REVISION); ISO/IEC 11889:2015',
    expected: '1.16 or later',
    consequence: 'What the TPM follows is not known.',
    run: ({ facts: { identity } }) => {
      const { specificationRevision: revision, specificationDate: date } = identity;
      const found = date === null ? revision : `${revision} of ${date}`;
      return Number(revision) >= 1.16
        ? pass(found, 'Structures and commands are those of the standard.')
        : warning(
            found,
            'It follows a draft: some commands may behave otherwise. Look for newer firmware from its manufacturer.',
          );
    },
  },
  {
    id: 'identity.manufacturer',
    title: 'its manufacturer is known',
    rule: 'TPM_PT_MANUFACTURER stands in the registry of TPM vendors.',
    source: 'TCG TPM Vendor ID Registry',
    expected: 'a registered manufacturer',
    consequence: 'Nobody is known to ask for firmware and certificates.',
    run: ({ facts: { identity } }) => {
      const { manufacturer, manufacturerName } = identity;
      return manufacturerName === null
        ? warning(
            manufacturer === '' ? 'none' : `"${manufacturer}"`,
            'Nobody is known to ask for firmware and certificates, and there are no figures to compare with.',
          )
        : pass(
            `${manufacturer} (${manufacturerName})`,
            'This is the TPM’s own word; its endorsement key certificate proves it.',
          );
    },
  },
  {
    id: 'identity.firmware',
    title: 'its firmware has a version',
    rule: 'TPM_PT_FIRMWARE_VERSION_1 and 2 tell firmwares of one manufacturer apart.',
    source: 'TPM 2.0 part 2, 6.13',
    expected: 'a version',
    consequence: 'Advisories about firmware cannot be applied.',
    run: ({ facts: { identity } }) => {
      const { firmware, vendorString } = identity;
      const found = vendorString === '' ? firmware : `${firmware}, vendor string "${vendorString}"`;
      return firmware === '0.0.0.0'
        ? warning(
            found,
            'Advisories about firmware cannot be applied: ask the manufacturer which one this is.',
          )
        : pass(
            found,
            'Compare it with the manufacturer’s advisories: what holds here holds for this firmware.',
          );
    },
  },
]);
