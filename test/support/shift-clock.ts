/**
 * Loaded into the real binary with `--import`: its clock is off by so many
 * milliseconds as CDRSYNC_TEST_SHIFT says.
 */
const shift = Number(process.env['CDRSYNC_TEST_SHIFT'] ?? 0);
const { now } = Date;
Date.now = () => now() + shift;
