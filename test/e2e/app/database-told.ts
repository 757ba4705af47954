// What `useDatabase` (database.worker.ts) tells of a database that does all it should.
export const DATABASE_TOLD = {
  walked: ["t4", "t2", "t0"],
  rich: '4611686018427387904 0.5 2026-01-02T03:04:05.678Z 0,255 [1,"x"]',
  seen: true,
  keys: ["t0", "t1", "t3", "t4", "t5"],
  bobs: 3,
  rolledBack: true,
  errors: ["AlreadyExistsError", "NotFoundError", "TransactionError"],
};
