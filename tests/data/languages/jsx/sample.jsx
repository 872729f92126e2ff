import { useState } from 'react';

const THEME = { primary: '#06c' };

/** A button that counts its clicks. */
export function Counter({ initial = 0, onChange }) {
  const [count, setCount] = useState(initial);
  const increment = () => {
    setCount(count + 1);
    onChange?.(count + 1);
  };
  return (
    <button style={THEME} onClick={increment}>
      {count} <Label text={`clicked ${count} times`} />
    </button>
  );
}

// Memoised, since lists render it often.
export const Label = ({ text }) => <span className="label">{text}</span>;

export default class Panel extends React.Component {
  state = { open: false };

  toggle = () => this.setState(({ open }) => ({ open: !open }));

  render() {
    return this.state.open ? <>{this.props.children}</> : null;
  }
}
