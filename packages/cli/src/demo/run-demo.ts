import { join, resolve } from 'node:path';
import type { Certificate } from '@countersign/core';
import { defaultStateDirectory } from '@countersign/state';
import { makeDirectory } from '../files/make-directory.ts';
import { artifactFiles, writeArtifacts, type ArtifactFile } from './artifacts.ts';
import { enroll } from './enroll.ts';
import { withFreshDemoState } from './demo-state.ts';
import type { DemoUser } from './demo-user.ts';
import type { DemoSignIn } from './sign-in-step.ts';
import { bestProvider, type DemoProvider } from './user-keys.ts';

export interface DemoOptions {
  /** The best one of this machine if absent. */
  readonly provider?: DemoProvider | undefined;
  /** RSA in full, because Samba's KDC takes nothing else; else P-256. */
  readonly algorithm?: 'p256' | 'rsa2048' | undefined;
  /** With an Active Directory domain (Samba) as directory and KDC. */
  readonly full?: boolean | undefined;
  readonly out?: string | undefined;
  readonly pinFile?: string | undefined;
}

export interface DemoStep {
  readonly name: string;
  readonly title: string;
  /** What was done, a line each. */
  readonly did: readonly string[];
  readonly durationMs: number;
}

/** `summary.json`. */
export interface DemoSummary {
  readonly provider: string;
  readonly algorithm: string;
  readonly user: DemoUser;
  readonly certificate: {
    readonly serialNumber: string;
    readonly subject: string;
    readonly issuer: string;
    readonly notBefore: string;
    readonly notAfter: string;
    readonly keyId: string;
  };
  readonly steps: readonly DemoStep[];
  /** Servers that the user signed in to, or was refused by; empty where none is installed. */
  readonly signIns: readonly DemoSignIn[];
  /** Absolute path of the artifacts. */
  readonly out: string;
  readonly artifacts: readonly ArtifactFile[];
  /** Absolute path of the directory with the CA, the RA, the directory of users and the user's key store. */
  readonly state: string;
  /** Reference of the user's key. */
  readonly keyRef: string;
  /** Commands of other programs that see the user's key, if the PIN is one that somebody knows. */
  readonly seenBy: readonly string[];
}

/** Runs one step of the demonstration and keeps account of it. */
export type RunStep = <T>(
  name: string,
  title: string,
  work: (did: (line: string) => void) => Promise<T>,
) => Promise<T>;

/** Where steps are accounted for. */
export interface StepLog {
  readonly runStep: RunStep;
  /** A step that was timed elsewhere. */
  readonly record: (step: DemoStep) => void;
}

/**
 * Runs the whole flow with a directory, a CA and an RA of its own. If anything fails, nothing of it is left behind, and
 * what an earlier run left in the same place stays as it was.
 */
export async function runDemo(options: DemoOptions, tell: (step: DemoStep) => void): Promise<DemoSummary> {
  const algorithm = options.algorithm ?? (options.full === true ? 'rsa2048' : 'p256');
  const provider = options.provider ?? (await bestProvider());
  const out = resolve(options.out ?? join(defaultStateDirectory(), 'demo', timestamp(new Date())));
  const unmakeOut = await makeDirectory(out);
  const steps: DemoStep[] = [];
  const record = (step: DemoStep): void => {
    steps.push(step);
    tell(step);
  };
  const runStep: RunStep = async (name, title, work) => {
    const did: string[] = [];
    const startedAtMs = performance.now();
    const result = await work((line) => did.push(line));
    record({ name, title, did, durationMs: Math.round(performance.now() - startedAtMs) });
    return result;
  };
  try {
    return await withFreshDemoState(out, async (state) => {
      const enrolled = await enroll(state, provider, { ...options, algorithm }, { runStep, record });
      const summary: DemoSummary = {
        provider,
        algorithm,
        user: enrolled.user,
        certificate: summarize(enrolled.certificate),
        steps,
        signIns: enrolled.signIns,
        out,
        artifacts: artifactFiles,
        state,
        keyRef: enrolled.keyRef,
        seenBy: enrolled.seenBy,
      };
      await writeArtifacts(out, enrolled, summary);
      return summary;
    });
  } catch (error) {
    await unmakeOut();
    throw error;
  }
}

function summarize(certificate: Certificate): DemoSummary['certificate'] {
  return {
    serialNumber: certificate.serialNumber,
    subject: certificate.subject.toString(),
    issuer: certificate.issuer.toString(),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    keyId: certificate.publicKey.keyId,
  };
}

function timestamp(now: Date): string {
  return now.toISOString().replaceAll(/[:.]/g, '-');
}
