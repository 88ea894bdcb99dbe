import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { stringify } from 'yaml';
import type { Job, JobTask } from './launcher';
import { quoted, shellLine } from './shell-line';

/** Where the pods of a RayJob find what they need. */
export interface RayJobOptions {
  /** With Node and Ray in it. */
  image: string;
  /** Of the Ray in the image. */
  rayVersion: string;
  /** A PersistentVolumeClaim that all pods share. */
  claim: string;
  /** Absolute folder where it is mounted, here and in the pods; runs write below it. */
  mount: string;
  /** Absolute folder `node_modules` with Flowbook's packages in the pods. */
  packages: string;
  /** Of the head and of each worker. */
  processors: number;
  /** Of the head and of each worker, by Kubernetes' words: `4Gi`. */
  memory: string;
  /** Pods besides the head, for rollouts on Ray. */
  workers: number;
  /** Times that a run that failed, or lost its machine, begins anew from its checkpoint. */
  retries: number;
}

/** Most characters that KubeRay lets a RayJob's name have. */
const MOST_NAME = 47;

/** Seconds that a run has for its checkpoint when its pod or job is ended. */
const GRACE_SECONDS = 60;

/** The script that a task's RayJob runs: KubeRay puts its entrypoint into a shell's line as it is, where `&&` would end it. */
function entrypointFile(job: Job, index: number): string {
  return path.join(job.folder, `.rayjob-${index + 1}.sh`);
}

/** Goes on from the checkpoint when it runs a second time. */
function entrypointText(job: Job, task: JobTask, packages: string): string {
  const began = quoted(path.join(task.directory, '.began'));
  const line = (resume: boolean): string => shellLine(job, task, { resume, packages });
  return [
    '#!/bin/sh',
    `cd ${quoted(job.folder)} || exit 1`,
    `mkdir -p ${quoted(task.directory)}`,
    `if [ -e ${began} ]; then`,
    `  ${line(true)}`,
    'else',
    `  : > ${began} && ${line(false)}`,
    'fi',
    '',
  ].join('\n');
}

/** Writes the scripts that the manifests' entrypoints name. */
export function writeEntrypoints(job: Job, packages: string): void {
  for (const [index, task] of job.tasks.entries()) {
    writeFileSync(entrypointFile(job, index), entrypointText(job, task, packages));
  }
}

/** A label of DNS, as KubeRay wants a RayJob's name. */
function nameOf(job: Job, index: number): string {
  const end = job.tasks.length === 1 ? '' : `-${index + 1}`;
  const folder = path.basename(path.dirname(job.folder)).toLowerCase();
  const stem = `flowbook-${folder.replace(/[^a-z0-9]+/g, '-')}`;
  return stem.slice(0, MOST_NAME - end.length).replace(/-+$/, '') + end;
}

/**
 * A job's tasks as RayJobs of KubeRay (`ray.io/v1`), a YAML document each: a cluster for each run, which ends with it. Bundle and
 * runs lie on a volume that all pods share.
 *
 * @throws When the job's folder does not lie on the volume.
 */
export function rayJobManifest(job: Job, options: RayJobOptions): string {
  const { mount, rayVersion, processors, workers, retries } = options;
  const relative = path.relative(mount, job.folder);
  if (relative.startsWith('..') || path.isAbsolute(relative)) {
    throw new Error(
      `Cannot make a RayJob as --out must lie on the volume, below ${mount}: current value is ${path.dirname(job.folder)}`,
    );
  }
  const documents = job.tasks.map((_task, index) => ({
    apiVersion: 'ray.io/v1',
    kind: 'RayJob',
    metadata: { name: nameOf(job, index), labels: { 'app.kubernetes.io/managed-by': 'flowbook' } },
    spec: {
      entrypoint: `sh ${quoted(entrypointFile(job, index))}`,
      entrypointNumCpus: processors,
      backoffLimit: retries,
      shutdownAfterJobFinishes: true,
      ttlSecondsAfterFinished: 300,
      rayClusterSpec: {
        rayVersion,
        headGroupSpec: { rayStartParams: {}, template: podTemplate('ray-head', options) },
        ...(workers > 0 && {
          workerGroupSpecs: [
            {
              groupName: 'rollouts',
              replicas: workers,
              minReplicas: workers,
              maxReplicas: workers,
              rayStartParams: {},
              template: podTemplate('ray-worker', options),
            },
          ],
        }),
      },
    },
  }));
  return documents.map((one) => stringify(one, { lineWidth: 0 })).join('---\n');
}

function podTemplate(
  name: string,
  { image, processors, memory, claim, mount }: RayJobOptions,
): object {
  const amounts = { cpu: String(processors), memory };
  return {
    spec: {
      terminationGracePeriodSeconds: GRACE_SECONDS,
      containers: [
        {
          name,
          image,
          // Ray's own three seconds are too few for a checkpoint.
          env: [{ name: 'RAY_JOB_STOP_WAIT_TIME_S', value: String(GRACE_SECONDS) }],
          resources: { limits: amounts, requests: amounts },
          volumeMounts: [{ name: 'shared', mountPath: mount }],
        },
      ],
      volumes: [{ name: 'shared', persistentVolumeClaim: { claimName: claim } }],
    },
  };
}
