export { renewAt } from './renew-at.ts';
export { renewCertificate, type RenewalOptions, type RenewalOutcome, type RenewalStep } from './renew.ts';
export { renewalDueAt, type RenewalPolicy } from './renewal-due.ts';
export type { RenewalStations } from './renewal-stations.ts';
