import { Field, ObjectType } from 'type-graphql';
import { DateTimeScalar } from './scalars.ts';

/** GraphQL: one time that the database turned out to be an older one. */
@ObjectType()
export class DatabaseRestore {
  @Field(() => DateTimeScalar) noticedAt!: Date;
  @Field(() => DateTimeScalar, {
    description: 'What was recorded from then until it was noticed may be missing: publishers repeat it.',
  })
  missingSince!: Date;
  @Field(() => String, {
    description:
      'How it showed: other_server, new_timeline, other_database, rows_of_a_dump, copied_folder, numbers_went_back, by_hand.',
  })
  reason!: string;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When somebody said that everything is back; null: the alert database_restored fires.',
  })
  settledAt?: Date | null;
}
