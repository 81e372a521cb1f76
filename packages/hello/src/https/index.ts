export { exchange, type HttpsClientOptions, type HttpsRequest, type HttpsResponse } from './https-client.ts';
export {
  startHttpsService,
  type HttpsService,
  type HttpsServiceOptions,
  type ServiceHandler,
  type ServiceRequest,
  type ServiceResponse,
} from './https-service.ts';
export {
  formatOAuthError,
  parameterRefused,
  parseOAuthError,
  refuseOAuth,
  requireParameter,
  type OAuthRefusal,
} from './oauth-error.ts';
export { MessageObject, messageMalformed } from './message-object.ts';
export {
  hasMediaType,
  isServiceFault,
  refusalCodeIn,
  refused,
  tellable,
  type RefusalCode,
  type ToldRefusal,
} from './refusals.ts';
