/**
 * Names such as `cifar-maml` or `10-percent`: lower-case words and numbers with dashes between them. They serve
 * as names of files and folders, as keys of YAML, and without quotes on a command line.
 */
export const kebabCase: RegExp = /^[a-z0-9]+(-[a-z0-9]+)*$/;
