import React from 'react';

export interface ListProps<T> {
  items: readonly T[];
  render(item: T): React.ReactNode;
}

/** Renders each item once. */
export function List<T extends { key: string }>({ items, render }: ListProps<T>): JSX.Element {
  return <ul>{items.map((item) => <li key={item.key}>{render(item)}</li>)}</ul>;
}

type Status = 'idle' | 'busy';

export const Badge: React.FC<{ status: Status }> = ({ status }) => {
  return <b data-status={status}>{status}</b>;
};

export class Boundary extends React.Component<{}, { failed: boolean }> {
  state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }
}
