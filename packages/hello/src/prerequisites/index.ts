export {
  assertWillProvision,
  checkPrerequisites,
  formatPrerequisites,
  type PrerequisiteLine,
  type PrerequisiteReport,
} from './check-prerequisites.ts';
export {
  enrollmentEvent,
  keyRegisteredEvent,
  mustEnrollEvent,
  prerequisiteEvent,
  willRetryEvent,
  type DeviceEvent,
  type LogonCertificateFacts,
  type RegisteredKeyFacts,
} from './device-events.ts';
export type { Answer, DeviceState, PolicySource, TemplateState } from './device-state.ts';
