/**
 * Whether this process can do its work, as the sum of its components.
 *
 * - A **component** says of itself that it is ok or why not.
 * - A **progress** component must succeed again and again: it is ok while its last success is younger than its bound. A
 *   connection that stands proves nothing; a poll that came back does.
 * - **live** asks only whether the process's loop turns: an orchestrator that sees it fail restarts the process.
 * - **ready** asks whether to send it work: every required component must be ok.
 */
export interface Health {
  /** Components begin not ok: nothing is ready before it said so. Registering a name again replaces it. */
  component(name: string, options?: { required?: boolean }): Component;
  /** @param staleMsMax how old the last success may be; the time starts at the registration. */
  progress(name: string, staleMsMax: number, options?: { required?: boolean }): Progress;
  remove(name: string): void;
  report(): HealthReport;
}

export interface Component {
  ok(detail?: string): void;
  failed(detail: string): void;
}

export interface Progress {
  succeeded(): void;
}

export interface HealthReport {
  readonly ready: boolean;
  readonly components: Readonly<Record<string, ComponentReport>>;
}

export interface ComponentReport {
  readonly ok: boolean;
  readonly required: boolean;
  readonly detail: string;
}

/** @param clock milliseconds UTC. */
export function createHealth(clock: () => number = Date.now): Health {
  const components = new Map<string, () => ComponentReport>();
  return {
    component(name, { required = true } = {}) {
      let state = { ok: false, detail: 'starting' };
      components.set(name, () => ({ ...state, required }));
      return {
        ok(detail = '') {
          state = { ok: true, detail };
        },
        failed(detail) {
          state = { ok: false, detail };
        },
      };
    },
    progress(name, staleMsMax, { required = true } = {}) {
      let succeededAt = clock();
      components.set(name, () => {
        const ageMs = clock() - succeededAt;
        const detail = `last success ${Math.round(ageMs / 1000)} s ago, at most ${Math.round(staleMsMax / 1000)} s allowed`;
        return { ok: ageMs <= staleMsMax, required, detail };
      });
      return {
        succeeded() {
          succeededAt = clock();
        },
      };
    },
    remove: (name) => void components.delete(name),
    report() {
      const reports = [...components].map(([name, report]) => [name, report()] as const);
      return {
        ready: reports.every(([, { ok, required }]) => ok || !required),
        components: Object.fromEntries(reports),
      };
    },
  };
}
