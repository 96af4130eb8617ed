import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';

/**
 * Leaves all partitions but one unread. Kafkajs cannot be told what to read, but in a group the first member says who
 * reads what; in a group of one, that is ourselves.
 */
export function onlyPartition(partition: number): PartitionAssigner {
  const version = 0;
  const userData = Buffer.alloc(0);
  return () => ({
    name: 'busbar-one-partition',
    version,
    protocol({ topics }) {
      return { name: this.name, metadata: AssignerProtocol.MemberMetadata.encode({ version, topics, userData }) };
    },
    async assign({ members, topics }) {
      const assignment = Object.fromEntries(topics.map((topic) => [topic, [partition]]));
      const memberAssignment = AssignerProtocol.MemberAssignment.encode({ version, assignment, userData });
      return members.map(({ memberId }) => ({ memberId, memberAssignment }));
    },
  });
}
