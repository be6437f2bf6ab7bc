import type { Section } from '../alerts/messages.ts';

/** A section as Markdown that WeCom, DingTalk and Feishu all show; a block a section. */
export function markdownBlock(section: Section, open: string): string {
  const lines = [`**${section.heading}**`, ...section.lines.map(line => `> ${line}`)];
  if (section.advice !== '') lines.push(section.advice);
  if (section.link !== null) lines.push(`[${open}](${section.link})`);
  return lines.join('\n');
}

/** A section as plain text. */
export function plainBlock(section: Section): string {
  const lines = [section.heading, ...section.lines.map(line => `  ${line}`)];
  if (section.advice !== '') lines.push(section.advice);
  if (section.link !== null) lines.push(section.link);
  return lines.join('\n');
}
