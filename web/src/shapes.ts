/** What the API answers, as far as the page shows it. The whole stands in /openapi.json. */

export type JobState = "waiting" | "delayed" | "active" | "completed" | "failed" | "cancelled";
export const JOB_STATES: readonly JobState[] = ["waiting", "delayed", "active", "completed", "failed", "cancelled"];

export interface Failure {
  class: string;
  message: string;
}

export interface ModelCall {
  provider: string;
  model: string;
  operation: string | null;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  latency_ms: number;
  cost_usd: string | null;
  cached: boolean;
  replayed: boolean;
  failed_over_from: { route: string; error_class: string }[];
}

export interface Job {
  id: string;
  task: string;
  tenant: string;
  state: JobState;
  priority: string;
  created_at: string;
  due_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  queue_wait_ms: number | null;
  run_ms: number | null;
  attempts: number;
  reason: string | null;
  progress: { percent: number; note: string } | null;
  error: Failure | null;
  failures: { attempt: number; at: string; class: string; message: string }[];
  receipt: { cost_usd: string; calls: ModelCall[] } | null;
  tags: string[];
  step: { run_id: string; saga: string; name: string; direction: string } | null;
  links: { cancel?: string | null; retry?: string | null };
}

export interface JobDetail extends Job {
  input: unknown;
  input_link: string | null;
  result: unknown;
  result_link: string | null;
}

export interface JobPage {
  jobs: Job[];
  cursor: string | null;
}

export interface DeadLetter {
  id: string;
  job_id: string | null;
  task: string;
  tenant: string;
  error_class: string;
  message: string;
  failed_at: string;
  attempts: number | null;
  body: string | null;
}

export interface DeadLetterPage {
  dead_letters: DeadLetter[];
  cursor: string | null;
}

export interface Numbers {
  waiting: number;
  active: number;
  delayed: number;
  completed: number;
  failed: number;
  cancelled: number;
  dead_letters: number | null;
  oldest_waiting_s: number | null;
  throughput_per_minute: number | null;
  success_rate: number | null;
  average_run_ms: number | null;
}

export interface TaskNumbers extends Numbers {
  task: string;
  paused: boolean | null;
}

export interface Statistics {
  tasks: TaskNumbers[];
  total: Numbers;
  providers: string[];
}

export interface Reason {
  status: string;
  about: string;
  text: string;
}

/** The house at a glance; of one tenant, what concerns all of them is null. */
export interface Standing {
  status: string | null;
  reasons: Reason[] | null;
  tenant: string | null;
  health: {
    worker: { tasks: number; average_run_ms: number | null; cache_hits: number };
    cache: { hits: number; hit_rate: number | null; saved_usd: string };
    workflows: { active: number; stuck: number; pending_compensations: number; cross_workflow_calls: number };
  };
  cost_today_usd: string;
  calls_today: number;
  alerts: { unresolved: number; by_severity: Record<string, number> } | null;
  budgets: { scope: string; window: string; used_percent: number }[] | null;
}

export interface JobsHistory {
  points: { at: string; jobs: { completed: number; failed: number; cancelled: number } }[];
}

export interface Worker {
  task: string;
  paused: boolean | null;
  timeout_s: number;
  memory_mb: number;
  max_attempts: number;
  most_at_once: number;
  models: string[];
  jobs: Numbers;
  average_wait_ms: number | null;
  average_attempts: number | null;
}

export interface Integration {
  name: string;
  kind: string;
  state: string | null;
  success_rate: number | null;
  average_latency_ms: number | null;
  calls_today: number | null;
  cost_today_usd: string | null;
  detail: string;
}

export interface Health {
  status: string;
  stage: string | null;
  tasks: string[] | null;
  key: { id: string; tenant: string; scopes: string[] } | null;
}

export interface Provider {
  name: string;
  kind: string;
  configured: boolean;
  missing: string | null;
  paused: boolean;
  breaker: {
    state: string;
    held: string | null;
    failures: number;
    failure_threshold: number;
    next_attempt_at: string | null;
    transitions: { at: string; before: string; after: string; reason: string }[];
  };
  rate: {
    requests: number;
    requests_per_minute: number | null;
    tokens: number;
    tokens_per_minute: number | null;
  } | null;
  credit: { remaining_usd: string | null; checked_at: string | null; problem: string | null } | null;
  today: {
    calls: number;
    failures: number;
    success_rate: number | null;
    average_latency_ms: number | null;
    cost_usd: string;
  };
}

export const RUN_STATES = [
  "running",
  "waiting_for_approval",
  "waiting_for_signal",
  "completed",
  "compensated",
  "compensation_failed",
  "failed",
  "aborted",
] as const;

export interface Run {
  id: string;
  saga: string;
  tenant: string;
  state: (typeof RUN_STATES)[number];
  started_at: string;
  ended_at: string | null;
  duration_ms: number | null;
  executions: number;
  waits_for: { step: string; event: string; since: string; until: string | null } | null;
  stuck: { step: string | null; since: string; limit_s: number } | null;
  error: Failure | null;
  links: { approve?: string | null; reject?: string | null; abort?: string | null; redrive?: string | null };
}

export interface RunStep {
  name: string;
  kind: string;
  task: string | null;
  state: string;
  is_undone: boolean;
  is_in_doubt: boolean;
  job_id: string | null;
  attempts: number;
  run_ms: number | null;
  cost_usd: string | null;
  output: unknown;
  error: Failure | null;
  undo: { task: string; job_id: string; state: string; error: Failure | null } | null;
}

export interface RunDetail extends Run {
  steps: RunStep[];
  undone: string[];
  standing: { step: string; why: string }[];
  cost_usd: string;
}

export interface RunPage {
  runs: Run[];
  cursor: string | null;
}

export interface Workflows {
  workflows: {
    saga: string;
    started: number;
    running: number;
    completed: number;
    failed: number;
    error_rate: number | null;
    average_duration_s: number | null;
    stuck: number;
  }[];
}

export interface BudgetWindow {
  window: string;
  period: string;
  turns_at: string;
  limit: string | null;
  hard: boolean;
  spent: string;
  left: string | null;
  used_percent: number | null;
}

export interface Budget {
  scope: string;
  reserved: string;
  windows: BudgetWindow[];
}

export interface Sums {
  cost_usd: string;
  calls: number;
  input_tokens: number;
  output_tokens: number;
  jobs: number;
  cost_per_job_usd: string | null;
  cache_hits: number;
  cache_saved_usd: string;
  lost_usd: string;
}

export interface Costs {
  window: string;
  first_day: string;
  last_day: string;
  total: Sums;
  groups: (Sums & { name: string })[];
  more_groups: number;
  days: { day: string; cost_usd: string; calls: number }[];
  trend: {
    today_usd: string;
    yesterday_usd: string;
    week_average_usd: string;
    change_on_yesterday: number | null;
    change_on_week: number | null;
  };
  projection: { daily_average_usd: string; monthly_usd: string; yearly_usd: string };
  runway: {
    scope: string;
    window: string;
    left_usd: string;
    a_day_usd: string;
    days: number | null;
    runs_out_at: string | null;
  }[];
}

export interface Alert {
  id: string;
  rule: string;
  category: string;
  source: string;
  severity: string;
  state: "open" | "acknowledged" | "resolved";
  text: string;
  count: number;
  opened_at: string;
  last_at: string;
  acknowledged_by: string | null;
  resolved_by: string | null;
  muted_by: string | null;
  deliveries: { channel: string; state: string; error: string | null }[];
}

export interface Silence {
  id: string;
  covers: string;
  value: string;
  ends_at: string;
  reason: string;
}

export interface MaintenanceWindow {
  id: string;
  categories: string[];
  begins_at: string;
  ends_at: string;
  reason: string;
}
