/**
 * Slurm on this one host, in a folder of its own: munged, slurmctld and slurmd as the user who tests.
 *
 * @module
 */

/** What must be installed. */
const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol"];

/** Finds a program, also where administrators' programs are. */
async function find(name: string): Promise<string | undefined> {
  for (
    const folder of [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"]
  ) {
    const path = `${folder}/${name}`;
    if ((await Deno.stat(path).catch(() => undefined))?.isFile) return path;
  }
  return undefined;
}

/** Says why Slurm cannot be tested here; `undefined` if it can. */
export async function withoutSlurm(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "Slurm's daemons are tested on Linux";
  if (Deno.env.get("MUTASESUMELE_SLURM") === "none") return "MUTASESUMELE_SLURM is none";
  const found = await Promise.all(PROGRAMS.map(find));
  const missing = PROGRAMS.filter((_, at) => found[at] === undefined);
  return missing.length === 0
    ? undefined
    : `found no ${
      missing.join(", ")
    }; on Debian: apt-get install slurmctld slurmd slurm-client munge`;
}

/** A cluster of one node. */
export interface Cluster extends AsyncDisposable {
  /** Environment in which its commands find it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs one of its commands and gives what it prints. */
  run(command: string, ...args: string[]): Promise<string>;
}

async function output(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  throw new Error(`${command} ${args.join(" ")}: ${decoder.decode(stderr)}`);
}

/** A port that is free now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Starts a cluster.
 *
 * @param folder An empty folder.
 */
export async function startCluster(folder: string): Promise<Cluster> {
  await Deno.chmod(folder, 0o700);
  const [host, user] = [await output("hostname", ["-s"]), await output("id", ["-un"])];
  const key = `${folder}/munge.key`;
  await Deno.writeFile(key, crypto.getRandomValues(new Uint8Array(128)), { mode: 0o600 });
  await Deno.mkdir(`${folder}/state`);
  await Deno.mkdir(`${folder}/spool`);
  const configuration = `${folder}/slurm.conf`;
  await Deno.writeTextFile(
    configuration,
    `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=${user}
SlurmdUser=${user}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPort=${freePort()}
SlurmdPort=${freePort()}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
MailProg=/bin/true
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=small Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`,
  );
  await Deno.writeTextFile(`${folder}/cgroup.conf`, "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n");
  const environment = { SLURM_CONF: configuration };
  const children: Deno.ChildProcess[] = [];
  // In the foreground, so that they can be ended for certain.
  const daemon = async (name: string, ...args: string[]) => {
    const command = await find(name);
    children.push(
      new Deno.Command(command!, {
        args,
        env: environment,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
  };
  await daemon(
    "munged",
    ...["--foreground", "--force", `--key-file=${key}`, `--socket=${folder}/munge.sock`],
    ...[`--pid-file=${folder}/munge.pid`, `--log-file=${folder}/munge.log`],
    `--seed-file=${folder}/munge.seed`,
  );
  await waitFor(async () => await exists(`${folder}/munge.sock`), "munged");
  await daemon("slurmctld", "-D", "-c", "-f", configuration);
  await daemon("slurmd", "-D", "-f", configuration, "-N", host);
  const run = async (name: string, ...args: string[]): Promise<string> => {
    const { success, stdout, stderr } = await new Deno.Command(name, { args, env: environment })
      .output();
    const decoder = new TextDecoder();
    if (success) return decoder.decode(stdout).trim();
    throw new Error(`${name} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  };
  const cluster: Cluster = {
    environment,
    run,
    async [Symbol.asyncDispose]() {
      // Daemons that are killed would leave what they have begun.
      await run("scancel", "--user", user).catch(() => "");
      await waitFor(
        async () => await run("squeue", "--noheader").catch(() => "") === "",
        "the end of cancelled jobs",
      ).catch(() => undefined);
      for (const child of children.toReversed()) {
        try {
          child.kill("SIGKILL");
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
        }
        await child.status;
      }
    },
  };
  try {
    await waitFor(
      async () => await run("sinfo", "--noheader", "--format=%t").catch(() => "") === "idle",
      "the node",
    );
  } catch (error) {
    const log = await Deno.readTextFile(`${folder}/slurmctld.log`).catch(() => "no log");
    await cluster[Symbol.asyncDispose]();
    throw new Error(`${(error as Error).message}\n${log.slice(-2000)}`, { cause: error });
  }
  return cluster;
}

/**
 * Waits until something is so.
 *
 * @param condition What.
 * @param what Its name, for the message.
 */
export async function waitFor(condition: () => Promise<boolean>, what: string): Promise<void> {
  const until = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`waited a minute for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
