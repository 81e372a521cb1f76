import { onTestFinished } from 'vitest';
import {
  startHttpsService,
  type HttpsService,
  type ServiceRequest,
  type ServiceResponse,
} from '../../src/https/index.ts';
import { sharedKeys } from './registration-fixture.ts';

/** A service that answers whatever a test wants it to, with a certificate that clients trust. */
export async function startRogueService(
  answer: (request: ServiceRequest, baseUrl: string) => ServiceResponse | Promise<ServiceResponse>,
): Promise<HttpsService & { readonly ca: string; readonly requests: ServiceRequest[] }> {
  const { tls, ca } = (await sharedKeys()).certificate;
  const requests: ServiceRequest[] = [];
  const service = await startHttpsService(
    (baseUrl) => ({
      handle: async (request) => {
        requests.push(request);
        return answer(request, baseUrl);
      },
      refuse: () => ({ status: 500, body: '{}' }),
    }),
    { tls },
  );
  onTestFinished(async () => service.close());
  return { ...service, ca, requests };
}
