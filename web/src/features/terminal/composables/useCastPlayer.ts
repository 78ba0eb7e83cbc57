import { useRafFn } from '@vueuse/core';
import { computed, ref } from 'vue';
import { readCastSize, type CastFile } from './castFile.ts';

/** A pause of the recorded person that is longer, in seconds, is shortened to this. */
const LONGEST_PAUSE = 2;

/** The screen that a recording is played on. */
export interface CastScreen {
  clear(): void;
  write(text: string): void;
  resize(size: { cols: number; rows: number }): void;
}

/** Plays a recording: `at` is how far it has come, in seconds of its own time. */
export function useCastPlayer(cast: CastFile, screen: CastScreen) {
  const at = ref(0);
  const speed = ref(1);
  const playing = ref(false);
  let next = 0;

  function showUntil(seconds: number): void {
    for (let event = cast.events[next]; event !== undefined && event.at <= seconds; event = cast.events[next]) {
      next += 1;
      if (event.kind === 'output') screen.write(event.text);
      else {
        const size = readCastSize(event.text);
        if (size) screen.resize(size);
      }
    }
    at.value = Math.min(seconds, cast.seconds);
    if (at.value >= cast.seconds) playing.value = false;
  }

  const ticking = useRafFn(
    ({ delta }) => {
      const due = cast.events[next]?.at ?? cast.seconds;
      const skipped = Math.max(0, due - at.value - LONGEST_PAUSE);
      showUntil(at.value + skipped + (Math.min(delta, 1_000) / 1_000) * speed.value);
      if (!playing.value) ticking.pause();
    },
    { immediate: false },
  );

  /** Goes to a moment; what came before is drawn at once. */
  function seek(seconds: number): void {
    if (seconds < at.value) {
      next = 0;
      screen.clear();
      screen.resize(cast);
    }
    showUntil(seconds);
  }
  function play(): void {
    if (at.value >= cast.seconds) seek(0);
    playing.value = cast.seconds > 0;
    if (playing.value) ticking.resume();
  }
  function pause(): void {
    playing.value = false;
    ticking.pause();
  }

  return { at, speed, playing: computed(() => playing.value), seek, play, pause };
}
