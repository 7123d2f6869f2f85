/** Names such as `cifar-maml`: lower-case words and numbers with dashes between them, a letter first. */
export const kebabCase: RegExp = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
