import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { PhaseReason, SessionPhase } from '#shared/domain/session.ts';
import { describeRun } from '#workflows/session/session.details.ts';
import { SessionMachine, type PhaseWhy } from '#workflows/session/session.machine.ts';
import type { RunningParts, SessionWorkflowInput } from '#workflows/session/session.messages.ts';
import type { SessionRef } from '#workflows/session/session.ports.ts';
import { createSessionProxies, type SessionProxies } from '#workflows/session/session.proxies.ts';

const SESSION_PHASE = defineSearchAttributeKey('SessionPhase', SearchAttributeType.KEYWORD);
const END_REASON = defineSearchAttributeKey('EndReason', SearchAttributeType.KEYWORD);
const OWNER_ID = defineSearchAttributeKey('OwnerId', SearchAttributeType.KEYWORD);
const EXPIRES_AT = defineSearchAttributeKey('ExpiresAt', SearchAttributeType.DATETIME);
const NEEDS_ATTENTION = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);

/** One run of the session workflow: its rules, its activities, and what it knows of the session's parts. */
export interface SessionRun {
  input: SessionWorkflowInput;
  ref: SessionRef;
  machine: SessionMachine;
  proxies: SessionProxies;
  parts: Partial<RunningParts>;
  /** This run was admitted, so what it finds is its own to tear down. */
  owns: boolean;
  /** A timer runs after which a sync that failed is done again. */
  syncsAgain: boolean;
  /** What made an open fail, told to the operator as the run's failure. */
  failure: string | null;
}

/** Makes the run from its input. Commands nothing. */
export function createSessionRun(input: SessionWorkflowInput): SessionRun {
  const { sessionId, uuid, generation } = input;
  const machine = new SessionMachine({
    uuid,
    generation,
    phase: input.admitted ? 'running' : 'requested',
    syncSeq: input.carried?.syncSeq ?? 0,
    recentOpIds: input.carried?.recentOpIds ?? [],
    needsAttention: input.needsAttention ?? false,
    now: Date.now(),
  });
  return {
    input,
    ref: { sessionId, uuid, generation },
    machine,
    proxies: createSessionProxies(input.limits ?? {}),
    parts: { ...input.carried?.running },
    owns: input.admitted ?? false,
    syncsAgain: false,
    failure: null,
  };
}

/** Shows operators the present state. Costs no history. */
export function showDetails(run: SessionRun): void {
  setCurrentDetails(describeRun(run.machine, run.parts));
}

/** Moves to a phase in the row, the search attributes and the details. False: superseded. */
export async function enterPhase(run: SessionRun, phase: SessionPhase, why: PhaseWhy): Promise<boolean> {
  const { reason, cause } = why;
  const { current } = await run.proxies.record.recordPhase.executeWithOptions(
    { summary: reason === null ? phase : `${phase}: ${reason}` },
    [{ ...run.ref, phase, reason, cause }],
  );
  if (!current) {
    run.machine.superseded = true;
    return false;
  }
  showPhase(run, phase, why);
  return true;
}

/** The part of a move that operators see, for a phase that is in the row already. */
export function showPhase(run: SessionRun, phase: SessionPhase, why: PhaseWhy): void {
  run.machine.moveTo(phase, why, Date.now());
  upsertSearchAttributes([{ key: SESSION_PHASE, value: phase }]);
  showDetails(run);
}

/** Puts the owner into the search attributes, once admitted. */
export function showOwner(ownerId: number): void {
  upsertSearchAttributes([{ key: OWNER_ID, value: String(ownerId) }]);
}

/** Puts why the run ended into the search attributes. */
export function showEnd(reason: PhaseReason): void {
  upsertSearchAttributes([{ key: END_REASON, value: reason }]);
}

/** Puts the time until which the session is held open into the search attributes. */
export function showExpiry(until: number): void {
  upsertSearchAttributes([{ key: EXPIRES_AT, value: new Date(until) }]);
}

/** Raises or lowers the flag that brings a session into the operators' list. */
export function showAttention(run: SessionRun, needed: boolean): void {
  if (run.machine.needsAttention === needed) return;
  run.machine.needsAttention = needed;
  upsertSearchAttributes([{ key: NEEDS_ATTENTION, value: needed }]);
  showDetails(run);
}
