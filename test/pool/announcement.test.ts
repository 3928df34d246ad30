import { describe, expect, test } from '@jest/globals';
import { describeAnnouncement, isWilling, nothingAnnounced, parseAnnouncement } from '../../pool/announcement.js';

describe('an announcement in a health body', () => {
  test.each([
    ['drain', { drain: true }],
    ['drain\n', { drain: true }],
    ['down: loading the model', { down: 'loading the model' }],
    ['maxInflight: 4', { maxInflight: 4 }],
    ['maxInflight: 4\r\ndrain\r\n', { maxInflight: 4, drain: true }],
    ['maxInflight: 4\nmaxInflight: 2', { maxInflight: 2 }],
    ['down: \u001b[31mred\u001b[0m', { down: '?[31mred?[0m' }],
  ])('is read when it is %j', (body, expected) => {
    expect(parseAnnouncement(body)).toEqual({ ...nothingAnnounced, ...expected });
  });

  test.each([
    '',
    'ok',
    'OK\ndrain',
    'drain: yes',
    'Drain',
    'drained',
    'down',
    'down:',
    'down:no space',
    `down: ${'x'.repeat(201)}`,
    'maxInflight: 0',
    'maxInflight: -1',
    'maxInflight: 1.5',
    'maxInflight: 04',
    'maxInflight: 1e3',
    'maxInflight: 9999999',
    'maxInflight: four',
    '{"drain": true}',
  ])('is none when the body is %j', (body) => {
    expect(parseAnnouncement(body)).toEqual(nothingAnnounced);
  });

  test('says in words what it means', () => {
    expect(describeAnnouncement(parseAnnouncement('down: no GPU\nmaxInflight: 2'))).toBe(
      'it cannot serve: no GPU, it takes 2 requests at once',
    );
    expect(describeAnnouncement(nothingAnnounced)).toBe('it serves without limits of its own');
  });

  test('leaves a worker willing when it only limits it', () => {
    expect(['drain', 'down: x', 'maxInflight: 1', 'ok'].map((body) => isWilling(parseAnnouncement(body)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});
