// Which word by hand counts, as modes come to stand or turn out impossible.
import { beforeEach, expect, test } from '@jest/globals';
import { Hand } from '../../pool/hand.js';

let hand: Hand;
let order: number;

beforeEach(() => {
  order = 0;
  hand = new Hand({ mode: 'production', order });
});

function say(mode: string): void {
  hand.say({ mode, order: ++order });
}

test('the newest word counts at once', () => {
  say('validation');
  expect(hand.word).toEqual({ mode: 'validation', order: 1 });
  expect(hand.modes).toEqual(['validation', 'production']);
});

test('the last word that stood counts again when newer ones can not be had', () => {
  say('validation');
  say('quiet');
  expect(hand.takeBack('validation')).toBe(false);
  expect(hand.takeBack('quiet')).toBe(true);
  expect(hand.word).toEqual({ mode: 'production', order: 0 });
});

test('a word whose mode stood has none behind it', () => {
  say('validation');
  hand.noteStands('validation');
  expect(hand.modes).toEqual(['validation']);
  expect(hand.takeBack('validation')).toBe(false);
});

test('the mode of an older word that comes to stand changes nothing', () => {
  say('validation');
  hand.noteStands('production');
  expect(hand.takeBack('validation')).toBe(true);
});
