/** The schema that BullMQ makes and keeps its tables in. */
export const SCHEMA = 'bullmq';

/** Fails where BullMQ's tables are not there, or cannot be written. */
export const WRITES_NOTHING = 'update job set name = name where false';
