import { execFile } from 'node:child_process';
import { CountersignError } from '@countersign/core';
import type { Answer, DeviceState } from '@countersign/hello';
import { RaClient } from '@countersign/hello/ra-service';
import { exchange } from '@countersign/hello/https';
import type { HelloConfig } from './hello-config.ts';
import { isJoined } from './device.ts';
import { probeKeyPlace } from './key-place.ts';
import type { Organization } from './organization.ts';

/**
 * Finds out what `dsregcmd /status` would say: from the settings, the machine, and the services. What the settings state
 * as a fact is not probed.
 */
export async function probeDevice(
  config: HelloConfig,
  { urls, https, site }: Organization,
  env: NodeJS.ProcessEnv = process.env,
): Promise<DeviceState> {
  const { policy, facts, upn } = config;
  const isDeviceJoined = await isJoined(config.stateDirectory);
  const canReachIdentity = await answers(new URL('/.well-known/openid-configuration', urls.identity), https);
  const common = {
    isDeviceJoined,
    isUserAzureAd:
      facts.isUserAzureAd ??
      (site === undefined ? canReachIdentity : (await site.cloud.findByUpn(upn)) !== undefined),
    isPolicyEnabled: policy.enabled,
    isPostLogonEnabled: policy.postLogonProvisioning,
    isDeviceEligible: facts.isDeviceEligible ?? (await probeKeyPlace(config)).isEligible,
    isSessionNotRemote: facts.isSessionNotRemote ?? !isRemoteSession(env),
  };
  if (!policy.useCertificateForOnPremAuth) {
    return { ...common, policySource: 'none', hasOnPremTgt: facts.hasOnPremTgt ?? (await hasTicket()) };
  }
  if (policy.source !== 'group-policy') return { ...common, policySource: policy.source };
  const isReady = await isRaReady(urls.registrationAuthority, https);
  return {
    ...common,
    policySource: 'group-policy',
    enrollmentAuthority: {
      // The token comes with the second factor: what can be known before is whether this device would get one.
      hasAdfsRefreshToken: isDeviceJoined && canReachIdentity,
      isAdfsRaReady: isReady,
      logonTemplate: isReady
        ? { isReady: true, state: 'StateReady' }
        : { isReady: false, state: '1 : StateNoPolicy' },
    },
  };
}

/** Remote Desktop on Windows; here SSH, and the common servers of remote desktops. */
function isRemoteSession(env: NodeJS.ProcessEnv): boolean {
  return ['SSH_CONNECTION', 'SSH_TTY', 'XRDP_SESSION', 'VNCDESKTOP'].some((name) => (env[name] ?? '') !== '');
}

async function answers(url: URL, https: Organization['https']): Promise<boolean> {
  return unreachableIsNo(async () => {
    const { status } = await exchange(url, { method: 'GET', headers: { accept: 'application/json' } }, https);
    return status === 200;
  });
}

/** The RA says itself whether it enrolls for Windows Hello certificates. */
async function isRaReady(url: string, https: Organization['https']): Promise<boolean> {
  return unreachableIsNo(async () => {
    await new RaClient({ url, ...https }).metadata();
    return true;
  });
}

async function unreachableIsNo(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

/** Whether the user has a ticket-granting ticket that is valid: `klist -s` exits with 0. */
async function hasTicket(): Promise<Answer> {
  return new Promise((resolve) => {
    execFile('klist', ['-s'], (error) => {
      if (error === null) resolve(true);
      else resolve(error.code === 'ENOENT' ? 'not-tested' : false);
    });
  });
}
