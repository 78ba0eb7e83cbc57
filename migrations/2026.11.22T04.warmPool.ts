import type { MigrationParams } from 'umzug';
import type { QueryInterface } from 'sequelize';

/** Pods that wait for new sessions, and what everybody has to know about their pool. */
export async function up({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    -- A slot is a session without a person: its uuid, generation and volume are those of the session that takes it, so
    -- that the names of pod and volume are right from the beginning.
    CREATE TABLE warm_slots (
      uuid uuid PRIMARY KEY,
      generation integer NOT NULL DEFAULT 1 CHECK (generation = 1),
      volume_id integer NOT NULL UNIQUE DEFAULT nextval('volumes_id_seq'),
      claim_uid text,
      pod_uid text,
      spec_hash text NOT NULL,
      state text NOT NULL DEFAULT 'making' CHECK (state IN ('making', 'ready', 'claimed', 'retiring')),
      retired_because text CHECK (retired_because IN ('unfinished', 'specification', 'expired', 'surplus', 'dead')),
      expires_at timestamptz NOT NULL,
      claimed_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      CHECK (state NOT IN ('ready', 'claimed') OR (claim_uid IS NOT NULL AND pod_uid IS NOT NULL)),
      CHECK ((state = 'retiring') = (retired_because IS NOT NULL)),
      CHECK ((state = 'claimed') = (claimed_at IS NOT NULL))
    );
    CREATE INDEX warm_slots_state ON warm_slots (state, created_at);

    -- making → ready → claimed; making and ready → retiring. What is claimed belongs to a session for good.
    CREATE FUNCTION warm_slots_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN
         (('making', 'ready'), ('making', 'retiring'), ('ready', 'claimed'), ('ready', 'retiring')) THEN
        RAISE EXCEPTION 'a warm slot cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER warm_slots_forward BEFORE UPDATE OF state ON warm_slots FOR EACH ROW EXECUTE FUNCTION warm_slots_forward();

    -- What the workers' last run wants, written by them: the api needs no settings of pods to hand out a slot.
    CREATE TABLE warm_pool (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      size integer NOT NULL DEFAULT 0 CHECK (size >= 0),
      specification text,
      ran_at timestamptz,
      problem text,
      paused_at timestamptz,
      paused_by text,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    );
    INSERT INTO warm_pool DEFAULT VALUES;
  `);
}

/** Removes everything that up made. Pods and volumes of slots are the reaper's then. */
export async function down({ context }: MigrationParams<QueryInterface>): Promise<void> {
  await context.sequelize.query(`
    DROP TABLE warm_slots, warm_pool;
    DROP FUNCTION warm_slots_forward();
  `);
}
