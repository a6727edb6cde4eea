import { usageOf } from './proc.ts';
import { HOSTS, type Host, type Stage } from './stage.ts';
import { type CliProcess, type Ended, lastWords } from './worker-process.ts';

/** One worker process's life in the soak. */
export interface Life {
  readonly name: string;
  readonly host: Host;
  readonly process: CliProcess;
  readonly samples: Sample[];
}

export interface Sample {
  readonly at: number;
  /** Resident bytes. */
  readonly rss: number;
  /** CPU milliseconds since its start. */
  readonly cpu: number;
}

export interface Leave extends Ended {
  readonly name: string;
  readonly ms: number;
}

/** The workers of a soak. */
export interface Crew {
  /** All that ever lived. */
  readonly lives: readonly Life[];
  hire(): Promise<void>;
  /** SIGKILL to the one that was started last. */
  kill(): Promise<void>;
  sample(at: number): void;
  /** @throws Error where one has ended that nobody ended. */
  check(): void;
  /** SIGTERM to all, and how each left. */
  dismiss(): Promise<readonly Leave[]>;
}

/** Long beyond what a worker may take to leave: then it is killed, and the verdict says so. */
const LONGEST_LEAVE = 15_000;

export function makeCrew(stage: Stage): Crew {
  const lives: Life[] = [];
  const working: Life[] = [];
  return {
    lives,
    hire: async () => {
      const name = `worker-${lives.length + 1}`;
      const host = hostFor(working, lives);
      const life = { name, host, process: await stage.startWorker(name, host), samples: [] };
      lives.push(life);
      working.push(life);
    },
    kill: async () => {
      await working.pop()?.process.kill('SIGKILL');
    },
    sample: (at) => {
      for (const { process, samples } of working) {
        const usage = usageOf(process.pid);
        if (usage !== null) samples.push({ at, ...usage });
      }
    },
    check: () => {
      const gone = working.find(({ process }) => !process.alive());
      if (gone === undefined) return;
      throw new Error(`${gone.name} ended by itself:\n${lastWords(gone.process.log)}`);
    },
    dismiss: () => Promise.all(working.splice(0).map(leave)),
  };
}

/** One that no other worker has, nor where possible the one before it, whose requests are to be told from its own. */
function hostFor(working: readonly Life[], lives: readonly Life[]): Host {
  const free = HOSTS.filter((host) => !working.some((life) => life.host === host));
  return free.find((host) => host !== lives.at(-1)?.host) ?? free[0] ?? HOSTS[0];
}

async function leave({ name, process }: Life): Promise<Leave> {
  const asked = performance.now();
  const impatience = setTimeout(() => void process.kill('SIGKILL'), LONGEST_LEAVE);
  const ended = await process.kill('SIGTERM');
  clearTimeout(impatience);
  return { name, ...ended, ms: Math.round(performance.now() - asked) };
}
