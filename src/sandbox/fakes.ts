/** The logins of the simulated providers. Fixed, fake, and worth nothing anywhere else. */
export const FAKES = {
  infin8linx: {
    appId: 'sandbox-app',
    accessKey: 'sandbox-secret-infin8linx',
    /** Holds for ever, as a token handed out by hand does. */
    token: 'sandbox-secret-infin8linx-token',
  },
  itniotech: { apiKey: 'sandbox-key', apiSecret: 'sandbox-secret-itniotech' },
  okcc: { customer: 'C2', password: 'sandbox-secret-okcc' },
  udesk: { email: 'sandbox@example.com', secretKey: 'sandbox-secret-udesk' },
  vos: {
    token: 'sandbox-secret-vos',
    userId: '00000000-0000-4000-8000-000000000010',
    vosAccountId: 10,
  },
} as const;
