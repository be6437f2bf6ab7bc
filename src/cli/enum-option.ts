import { InvalidArgumentError, Option } from 'commander';

/**
 * An option that takes one of a few names, in any case: GraphQL writes them in capitals, the help of this command
 * line in small letters.
 * @param names small letters; the value is one of them
 */
export function enumOption(flags: string, description: string, names: readonly string[]): Option {
  // `choices` is for the help; its own parser compares letter by letter, so it is put aside.
  return new Option(flags, description).choices(names).argParser(text => {
    const name = text.toLowerCase();
    if (!names.includes(name)) throw new InvalidArgumentError(`Allowed choices are ${names.join(', ')}.`);
    return name;
  });
}
