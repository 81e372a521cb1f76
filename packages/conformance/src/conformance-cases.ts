import type { ConformanceCase } from './conformance-case.ts';
import { algorithmCases, infoCases } from './areas/info.ts';
import { attestationCases } from './areas/attestation.ts';
import { certificateCases } from './areas/certificates.ts';
import { concurrencyCases } from './areas/concurrency.ts';
import { enduranceCases } from './areas/endurance.ts';
import { errorCases } from './areas/errors.ts';
import { inputCases } from './areas/input.ts';
import { lockoutCases } from './areas/lockout.ts';
import { originCases } from './areas/origin.ts';
import { referenceCases } from './areas/references.ts';
import { resourceCases } from './areas/resources.ts';
import { closingCases } from './areas/closing.ts';
import { lifeCycleCases } from './areas/life-cycle.ts';
import { pinCases } from './areas/pin.ts';
import { pinRetryCases } from './areas/pin-retries.ts';
import { pinChangeCases } from './areas/pin-change.ts';
import { secrecyCases } from './areas/secrecy.ts';
import { messageCases } from './areas/messages.ts';
import { publicKeyCases } from './areas/public-keys.ts';
import { signatureCases } from './areas/signatures.ts';

/** In the order in which they run: what others build on first, what may lock the PIN last. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...infoCases,
  ...algorithmCases,
  ...signatureCases,
  ...messageCases,
  ...publicKeyCases,
  ...secrecyCases,
  ...lifeCycleCases,
  ...closingCases,
  ...pinCases,
  ...pinRetryCases,
  ...pinChangeCases,
  ...referenceCases,
  ...concurrencyCases,
  ...certificateCases,
  ...attestationCases,
  ...originCases,
  ...inputCases,
  ...errorCases,
  ...enduranceCases,
  ...resourceCases,
  ...lockoutCases,
];
