export async function studyPage(..._: unknown[]): Promise<string> {
  return await "";
}
