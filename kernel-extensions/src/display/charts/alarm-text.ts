/** An alarm in words: `Alarm` of `@flowbook/sdk` is one. */
export interface TrainingAlarm {
  step: number;
  symptom: string;
  cause: string;
  action: string;
}

/** An alarm in one line. */
export function alarmText({ step, symptom, cause, action }: TrainingAlarm): string {
  return `⚠ Step ${step}: ${symptom}. Cause: ${cause}. What to do: ${action}.`;
}
