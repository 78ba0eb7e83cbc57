const FULL = process.env['BERTH_PROOFS'] === 'full';

/** How many times a long property or fault run is to be repeated: `full` times under `npm run proofs`, else a tenth of it. */
export function scaled(full: number): number {
  return FULL ? full : Math.max(1, Math.ceil(full / 10));
}

/** The seed of every generated run: BERTH_SEED when it is set, so that a failure can be played again. */
export const SEED = Number(process.env['BERTH_SEED'] ?? 20_261_122);
